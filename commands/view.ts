// `flowtape view`: a page in the browser that shows tapes.
import { spawn } from "node:child_process";
import type { OptionTable } from "../src/options.ts";
import { defineCommand, type Io } from "./cli/command.ts";
import { Troubles } from "./tapes/copy-flows.ts";

const options = {
	filter: {
		type: "string",
		default: null,
		metavar: "EXPR",
		help: "Show the flows that match at first; the page can show others.",
	},
	listen_port: {
		type: "integer",
		default: 0,
		min: 0,
		max: 65535,
		short: "p",
		help: "The port of the page; 0: any free port.",
	},
	listen_host: {
		type: "string",
		default: "127.0.0.1",
		help: "The address to listen on. Another than 127.0.0.1 lets other machines read the tapes with the link.",
	},
	allow_host: {
		type: "sequence",
		default: [],
		metavar: "NAME",
		help: "Answer to this host name too, for a container or a reverse proxy.",
	},
	open: { type: "boolean", default: true, help: "Open the page in the browser." },
	read_only: { type: "boolean", default: false, help: "Do not let the page change marks and comments." },
	json: { type: "boolean", default: false, help: "Print the link as a JSON object." },
} as const satisfies OptionTable;

export const command = defineCommand({
	name: "view",
	summary: "show tapes in the browser",
	args: "TAPE…",
	arity: { min: 1 },
	options,
	examples: [
		["flowtape view session.tape", "open the page; Ctrl-C ends it"],
		["flowtape view session.har --filter '~c 5xx'", "begin with the server errors of a HAR"],
		["flowtape view monday.tape tuesday.tape --no-open", "print the link only"],
	],
	async run({ args, values }, io) {
		const { startViewer } = await import("../viewer/server/server.ts");
		const { filterOf } = await import("../api/tape.ts");
		const { filter, listen_host: host } = values;
		// a wrong filter is told at once
		if (filter !== null) await filterOf(filter);
		const viewer = await startViewer({
			tapes: args,
			host,
			port: values.listen_port,
			isReadOnly: values.read_only,
			allowedHosts: values.allow_host,
			version: process.env.FLOWTAPE_VERSION ?? "",
			signal: io.signal,
			report: new Troubles(io, { strict: false }).report,
		});
		const place = filter === null ? "" : `/?${new URLSearchParams({ q: filter })}`;
		const link = (url: string) => url.replace("#", `#${place}${place === "" ? "" : "&"}`);
		if (host !== "127.0.0.1" && host !== "localhost" && host !== "::1")
			io.stderr.write(`flowtape: warning: the viewer listens on ${host}: everybody with the link can read the tapes\n`);
		io.stdout.write(
			values.json ? `${JSON.stringify({ event: "viewing", url: link(viewer.url) })}\n` : `${link(viewer.url)}\n`,
		);
		if (values.open && io.stdout.isTTY === true) openInBrowser(link(viewer.openingUrl()), io);
		await new Promise<void>((resolve) => {
			if (io.signal.aborted) resolve();
			else io.signal.addEventListener("abort", () => resolve(), { once: true });
		});
		await viewer.close();
		return 0;
	},
});

/** Opens a link with the program of the system. Without one, the printed link is left. */
function openInBrowser(url: string, io: Io): void {
	const [program = "", ...args] =
		process.platform === "darwin"
			? ["open"]
			: process.platform === "win32"
				? ["rundll32", "url.dll,FileProtocolHandler"]
				: ["xdg-open"];
	spawn(program, [...args, url], { stdio: "ignore", detached: true, env: io.env })
		.on("error", () => {})
		.unref();
}
