// Writes what something makes of each flow, such as a curl command or the bytes of its messages.
import { openOutput } from "../../formats/index.ts";
import { FlowtapeError } from "../../src/errors.ts";
import type { Flow, HttpFlow } from "../../src/flow/flow.ts";
import { FlowSink } from "../../src/flow/pipe.ts";
import type { Troubles } from "./copy-flows.ts";

/** `note` is told what of the flow is left out. @throws FlowtapeError FT_LOSS when it can make nothing of the flow */
export type Exporter = (flow: HttpFlow, note: (message: string) => void) => Buffer;

/** A sink that writes to a file, `-` for stdout; flows that the exporter can make nothing of are left out and told of. */
export async function exporting(path: string, exporter: Exporter, { report }: Troubles): Promise<FlowSink> {
	const output = await openOutput(path);
	return FlowSink.of({
		async append(flow: Flow) {
			try {
				if (flow.type !== "http") throw new FlowtapeError("FT_LOSS", `it is ${flow.type}, not HTTP`);
				await output.write(exporter(flow, (message) => report("FT_LOSS", `flow ${flow.id}: ${message}`)));
			} catch (error) {
				if (!(error instanceof FlowtapeError) || error.code !== "FT_LOSS") throw error;
				report("FT_LOSS", `flow ${flow.id} is left out: ${error.message}`);
			}
		},
		close: () => output.close(),
		discard: () => output.discard(),
	});
}
