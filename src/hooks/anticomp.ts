// Asks servers for uncompressed bodies: sets `Accept-Encoding: identity`.
import type { OptionTable, OptionValues } from "../options.ts";
import type { HookContext } from "./context.ts";
import type { Hook } from "./hook.ts";

export const options = {
	anticomp: { type: "boolean", default: false, help: "Ask servers not to compress." },
} as const satisfies OptionTable;

export function createAnticomp({ anticomp }: OptionValues<typeof options>, { onChange }: HookContext): Hook | null {
	if (!anticomp) return null;
	return {
		name: "anticomp",
		request({ request: { headers } }) {
			if (headers.get("accept-encoding") !== "identity") onChange?.("anticomp");
			headers.set("accept-encoding", "identity");
		},
	};
}
