// The purposes by which --help groups options, and the options that -h shows besides a command's own.
import { OWN } from "./options.ts";
import type { Flag } from "./registry.ts";

/** Names of options by purpose, in the order of --help. Other options stay in the command's own group. */
export const purposes: Readonly<Record<string, readonly string[]>> = {
	"Run and verdict": [
		"record_mode",
		"record_failures",
		"fail_on",
		"max_miss",
		"freeze_time",
		"own_servers",
		"browser_noise",
		"keep_no_proxy",
	],
	"What to select": [
		"filter",
		"id",
		"invert_match",
		"limit",
		"sample",
		"seed",
		"case_sensitive_filters",
		"unused",
		"by",
		"count",
		"follow",
		"explain",
	],
	"What to compare": ["request", "learn", "compare", "ignore"],
	"What to redact": [
		"redact",
		"redact_header",
		"redact_param",
		"redact_cookie",
		"redact_json",
		"redact_body",
		"redact_env",
		"redact_pii",
		"redact_strict",
		"redact_keep",
		"redact_shape",
	],
	"How to send": ["to", "client_replay_concurrency", "rate", "speed", "timeout", "correlate"],
	"Where to listen": [
		"mode",
		"listen_host",
		"listen_port",
		"proxyauth",
		"block_global",
		"block_private",
		"onboarding",
		"onboarding_host",
	],
	"What to record": [
		"save_stream_filter",
		"store_streamed_bodies",
		"record_tcp",
		"session",
		"ignore_hosts",
		"allow_hosts",
		"tcp_hosts",
		"show_ignored_hosts",
		"durable",
	],
	"How requests match recordings": [
		"server_replay_match_profile",
		"server_replay_use_headers",
		"server_replay_ignore_headers",
		"server_replay_ignore_cookies",
		"server_replay_ignore_content",
		"server_replay_match_content",
		"server_replay_ignore_json",
		"server_replay_ignore_body",
		"server_replay_ignore_params",
		"server_replay_ignore_param_order",
		"server_replay_ignore_payload_params",
		"server_replay_normalize_url",
		"server_replay_ignore_host",
		"server_replay_ignore_port",
		"server_replay_order",
		"server_replay_session_order",
		"server_replay_reuse",
		"server_replay_filter",
		"server_replay_match",
	],
	"How recordings answer": [
		"server_replay",
		"server_replay_extra",
		"server_replay_alpn",
		"server_replay_preflight",
		"server_replay_refresh",
		"server_replay_refresh_also",
		"server_replay_delay",
		"server_replay_kill_extra",
		"server_replay_nopop",
	],
	"What is changed": [
		"modify_headers",
		"modify_body",
		"map_remote",
		"map_local",
		"map_local_follow_symlinks",
		"block_list",
		"anticache",
		"anticomp",
		"stickyauth",
		"stickycookie",
		"upstream_auth",
		"keep_host_header",
		"set_status",
		"set_comment",
		"mark",
		"decode",
		"encode",
		"json_set",
		"json_delete",
		"rename_host",
		"drop_bodies",
		"refresh",
		"refresh_also",
		"sort",
		"dedupe",
		"scripts",
		"rules",
	],
	Protocols: ["http2", "websocket", "connection_strategy", "http_connect_send_host_header", "validate_inbound_headers"],
	TLS: [
		"ca",
		"certs",
		"cert_passphrase",
		"client_certs",
		"ssl_insecure",
		"ssl_verify_upstream_trusted_ca",
		"ssl_verify_upstream_trusted_confdir",
		"upstream_cert",
		"add_upstream_certs_to_client_chain",
		"tls_version_client_min",
		"tls_version_client_max",
		"tls_version_server_min",
		"tls_version_server_max",
		"ciphers_client",
		"ciphers_server",
		"key_size",
	],
	Limits: ["body_size_limit", "stream_large_bodies", "connect_timeout", "tcp_timeout", "strict"],
	Output: [
		"output",
		"in_place",
		"drop_unread",
		"wipe",
		"dry_run",
		"format",
		"dump_version",
		"json",
		"raw",
		"pager",
		"csv",
		"columns",
		"top",
		"report",
		"junit",
		"run",
	],
};

/** The options of several commands that people look for most; -h shows some of them besides the command's own. */
const prominent: readonly string[] = [
	"listen_port",
	"server_replay_extra",
	"server_replay_reuse",
	"server_replay_ignore_params",
	"server_replay_ignore_json",
	"mode",
	"modify_headers",
	"redact",
	"modify_body",
	"map_remote",
	"map_local",
	"block_list",
	"ssl_insecure",
	"ignore_hosts",
];

/** The options of single commands that -h leaves to --help. */
const seldom: ReadonlySet<string> = new Set([
	"ca",
	"case_sensitive_filters",
	"correlate",
	"drop_unread",
	"dump_version",
	"durable",
	"format",
	"junit",
	"keep_no_proxy",
	"max_miss",
	"own_servers",
	"record_failures",
	"rules",
	"strict",
	"wipe",
]);

/** How many options -h shows, unless the command itself has more. */
const SHOWN = 14;

export interface FlagGroup {
	readonly title: string;
	readonly flags: readonly Flag[];
}

/** Groups flags by purpose. Flags without one come first, under their declared title. */
export function byPurpose(flags: readonly Flag[]): FlagGroup[] {
	const grouped = new Set(Object.values(purposes).flat());
	const titles = [...new Set(flags.filter(({ name }) => !grouped.has(name)).map(({ title }) => title))];
	return [
		...titles.map((title) => ({
			title,
			flags: flags.filter((flag) => flag.title === title && !grouped.has(flag.name)),
		})),
		...Object.entries(purposes).map(([title, names]) => ({
			title,
			flags: names.flatMap((name) => flags.filter((flag) => flag.name === name)),
		})),
	].filter((group) => group.flags.length > 0);
}

/** The flags for one screen: most of the command's own, then the most used shared ones. */
export function briefGroups(flags: readonly Flag[]): FlagGroup[] {
	const own = flags.filter(({ name, title }) => title === OWN && !seldom.has(name));
	const shared = prominent.flatMap((name) => flags.filter((flag) => flag.name === name && flag.title !== OWN));
	// replay matters less to a command whose flags have the prefix
	const [first, last] = [false, true].map((isLast) =>
		shared.filter(({ flag }) => flag.startsWith("server-replay-") === isLast),
	) as [Flag[], Flag[]];
	return [
		{ title: OWN, flags: own },
		{ title: "Often used", flags: [...first, ...last].slice(0, Math.max(0, SHOWN - own.length)) },
	].filter((group) => group.flags.length > 0);
}
