// The names of the functions that flowtape calls in scripts. A script that exports none of them is refused. A script
// that exports a misspelt name gets a warning.
import { FlowtapeError } from "../errors.ts";
import { nearest } from "../suggest.ts";
import type { Addon } from "./addon.ts";

const events: Readonly<Record<keyof Addon, true>> = {
	load: true,
	configure: true,
	running: true,
	done: true,
	requestheaders: true,
	request: true,
	responseheaders: true,
	response: true,
	error: true,
	websocket_start: true,
	websocket_message: true,
	websocket_end: true,
	recorded: true,
	tcp_start: true,
	tcp_message: true,
	tcp_end: true,
	tcp_error: true,
	client_connected: true,
	client_disconnected: true,
	server_connect: true,
	server_connected: true,
	server_connect_error: true,
	server_disconnected: true,
	http_connect: true,
	http_connected: true,
	http_connect_error: true,
	http_connect_upstream: true,
	tls_clienthello: true,
	tls_start_client: true,
	tls_established_client: true,
	tls_failed_client: true,
	tls_start_server: true,
	tls_established_server: true,
	tls_failed_server: true,
};

const isEvent = (name: string): boolean => Object.hasOwn(events, name);

/**
 * Finds functions of the addons that are never called, but have almost the name of an event that their addon does not
 * handle. Maps each to that event.
 */
export function misspeltEvents(addons: readonly Addon[]): Map<string, string> {
	const found = new Map<string, string>();
	for (const addon of addons) {
		const names = functionsOf(addon);
		for (const name of names) {
			const event = isEvent(name) ? null : nearest(name, Object.keys(events));
			if (event !== null && !names.has(event)) found.set(name, event);
		}
	}
	return found;
}

/**
 * @param addons the script's module, then the members of its `addons`
 * @throws FlowtapeError FT_SCRIPT if flowtape would call none of their functions
 */
export function requireEvents(file: string, addons: readonly Addon[]): void {
	if (addons.some((addon) => [...functionsOf(addon)].some(isEvent))) return;
	const [module = {}, ...more] = addons;
	const misspelt = misspeltEvents(addons);
	const names = new Set([...Object.keys(module), ...more.flatMap((addon) => [...functionsOf(addon)])]);
	const found = [...names].map((name) => {
		if (name === "default") return "default (a default export is not called)";
		const event = misspelt.get(name);
		return event === undefined ? name : `${name} (did you mean ${event}?)`;
	});
	throw new FlowtapeError(
		"FT_SCRIPT",
		`${file}: expected an exported function with the name of an event, such as "export function request(flow)", found ${found.length === 0 ? "no exports" : found.join(", ")}`,
		{ file },
	);
}

/** The names of an addon's functions, inherited ones too. */
function functionsOf(addon: Addon): Set<string> {
	const names = new Set<string>();
	for (
		let level: object | null = addon;
		level !== null && level !== Object.prototype;
		level = Object.getPrototypeOf(level)
	)
		for (const name of Object.getOwnPropertyNames(level))
			if (name !== "default" && name !== "constructor" && isFunction(addon, name)) names.add(name);
	return names;
}

function isFunction(addon: Addon, name: string): boolean {
	return typeof (addon as Readonly<Record<string, unknown>>)[name] === "function";
}
