// `flowtape help TOPIC`: short pages on topics common to several commands, generated from the tables in the code if
// there are any.
import { kebab, type OptionTable } from "../../src/options.ts";
import { exitStatuses, exitStatusNote } from "./exit-statuses.ts";
import { tableText, wrapped } from "./text-layout.ts";

interface Topic {
	/** One line, for the list of topics. */
	readonly summary: string;
	/** @param width the longest line */
	text(width: number): Promise<string>;
}

/** The topics by name. */
export const topics: Readonly<Record<string, Topic>> = {
	filters: { summary: "filter expressions, as in filter EXPR and --filter", text: filters },
	rules: { summary: "rules such as /FILTER/NAME/VALUE, as in --modify-headers", text: rules },
	"exit-status": { summary: "what the exit statuses mean", text: async (width) => exitStatus(width) },
	environment: { summary: "the variables that flowtape reads and sets", text: async (width) => environment(width) },
	json: { summary: "what --json prints", text: async (width) => json(width) },
};

async function filters(): Promise<string> {
	const { operatorsText } = await import("../print/filter-operators.ts");
	return `Filter expressions select flows: in \`flowtape filter EXPR\`, in --filter, and in rules.

${operatorsText()}
Examples:
  ~c 500                          responses with status 500
  ~m POST & ~d example.com        POST requests to example.com
  ~t json !~u /health             JSON, except from /health
  (~c 4xx | ~e) ~hq "x-test: 1"   failed requests with this header

Quote an expression for the shell: flowtape filter '~c 500' session.tape
\`flowtape filter EXPR --explain\` prints how an expression is understood.
`;
}

async function rules(width: number): Promise<string> {
	const { storedHookOptions } = await import("../../src/hooks/builtin.ts");
	const rows = Object.entries(storedHookOptions as OptionTable)
		.filter(([, { metavar }]) => /^[/|]/.test(metavar ?? ""))
		.map(([name, { metavar = "", help }]) => [`--${kebab(name)} ${metavar}`, help] as const);
	return `${paragraph("A rule is one value of an option that changes or filters flows. The first character of a rule is the separator of its parts: /a/b and |a|b are the same rule. A part may contain any character except the separator.", width)}
${tableText(rows, width)}
${paragraph("FILTER is a filter expression (flowtape help filters); without it the rule applies to every flow. To add rules, repeat the option; they apply in the order given. A value that begins with @ is the name of a file that contains the value.", width)}
Examples:
  --modify-headers /authorization/                    remove a header everywhere
  --modify-headers '/~d example.com/x-test/1'         set one, for one host
  --modify-body '/~t json/"price":\\d+/"price":1'      change bodies
  --map-remote '|//example.com/|//localhost:3000/'    send requests elsewhere
  --map-local '|example.com/static|./static'          answer with files
  --block-list '/~t image/444'                        close the connection

\`flowtape rewrite TAPE --dry-run\` with rules prints how often each applies to stored flows.
`;
}

function exitStatus(width: number): string {
	return `${tableText(exitStatuses, width)}
${paragraph(exitStatusNote, width)}
docs/errors.md has the code of each error.
`;
}

/** The environment variables that flowtape reads. */
const read = [
	["FLOWTAPE_<OPTION>", "Any option by its name: FLOWTAPE_LISTEN_PORT=0. A list has one item per line."],
	[
		"FLOWTAPE_HOME",
		"The folder of the certificate authority. Default: the platform's configuration folder, such as ~/.config/flowtape.",
	],
	["FLOWTAPE_RECORD_MODE", "When `flowtape run` records; same as --record-mode."],
	["FLOWTAPE_SESSION", "The session of clients that name none; same as --session."],
	["CI", "If set, `flowtape run` records nothing unless --record-mode is set."],
	["GITHUB_ACTIONS", "If set, misses are also printed as annotations."],
	["HTTP_PROXY, HTTPS_PROXY, NO_PROXY", "The proxy that flowtape itself uses to reach servers."],
	["NODE_EXTRA_CA_CERTS", "Certificates to trust in addition to the default ones."],
	["NO_COLOR, FORCE_COLOR", "Turn colours off, or on if the output is not a terminal."],
	["PAGER", "The program that shows long texts on a terminal; default: less. Empty or cat: none."],
	["NODE_DEBUG=flowtape", "Prints each stage of each exchange."],
] as const;

/** The environment variables that it sets for a child command. */
const set = [
	["HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, …", "The proxy. NO_PROXY is cleared, unless --keep-no-proxy is given."],
	["SSL_CERT_FILE, NODE_EXTRA_CA_CERTS, …", "The certificate of the authority, with those of the system."],
	["NODE_OPTIONS, JAVA_TOOL_OPTIONS", "Extended so that Node and Java use the proxy and trust the authority."],
	["FLOWTAPE_ACTIVE", "1"],
	["FLOWTAPE_PROXY", "The URL of the proxy."],
	["FLOWTAPE_LISTENING", "The addresses on which the proxy listens."],
	["FLOWTAPE_CA_FILE", "The file with the certificate of the authority."],
] as const;

function environment(width: number): string {
	return `What flowtape reads:
${tableText(read, width)}
What it sets for the command after --:
${tableText(set, width)}
Order of precedence: flags, --set, the environment, the configuration file.
`;
}

const printed = [
	[
		"filter --json",
		"One flow per line, in the order of the tape: id, type, request, response, …, and also request.url.",
	],
	["show --json", "The same, for the selected flows."],
	["diff --json", "One line for each flow that differs."],
	["stats --json, explain --json", "One object."],
	["doctor --json", "One object for each runtime, or for the command."],
	[
		"record, replay-server, run, replay-client --json",
		"One event per line: first listening with host and port, then flow for each flow, miss, warning and error, and last end with the counts.",
	],
] as const;

function json(width: number): string {
	return `${paragraph("--json prints JSON on stdout, for programs. Several objects are printed one per line. Messages stay on stderr.", width)}
${tableText(printed, width)}
${paragraph('A flow has the keys of a .jsonl tape, always in the same order. Headers are lists of [name, value] in their original order; response is null if there was none; text that is not UTF-8 is {"$base64": …}.', width)}
Examples:
  flowtape filter '~c 500' session.tape --json | jq -r .request.url
  flowtape convert session.tape - --format jsonl | jq .response.status

docs/jsonl.md has every key, docs/jsonl.schema.json the schema.
`;
}

function paragraph(text: string, width: number): string {
	return `${wrapped(text, width).join("\n")}\n`;
}
