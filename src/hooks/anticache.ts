// Removes `If-Modified-Since` and `If-None-Match`, so that servers send full responses.
import type { OptionTable, OptionValues } from "../options.ts";
import type { HookContext } from "./context.ts";
import type { Hook } from "./hook.ts";

export const options = {
	anticache: {
		type: "boolean",
		default: false,
		help: "Remove request headers that might cause the server to answer 304 Not Modified.",
	},
} as const satisfies OptionTable;

export function createAnticache({ anticache }: OptionValues<typeof options>, { onChange }: HookContext): Hook | null {
	if (!anticache) return null;
	return {
		name: "anticache",
		request({ request: { headers } }) {
			const had = [headers.delete("if-modified-since"), headers.delete("if-none-match")];
			if (had.includes(true)) onChange?.("anticache");
		},
	};
}
