// A sink that exports each flow, for example as a curl command or as raw messages.
import { openOutput } from "../formats/index.ts";
import { FlowtapeError, type Reporter } from "../src/errors.ts";
import { type Exported, piecesOf } from "../src/export/pieces.ts";
import type { Flow, HttpFlow } from "../src/flow/flow.ts";
import { FlowSink } from "../src/flow/pipe.ts";
import type { ExportFrame } from "./exporters.ts";

/**
 * Exports a flow. Calls `note` for each part that is left out.
 * @throws FlowtapeError FT_LOSS if the flow cannot be exported
 */
export type Exporter = (flow: HttpFlow, note: (message: string) => void) => Exported;

/** Creates a sink that writes an OpenAPI document of all flows to a file, `-` for stdout. */
export async function createOpenApiSink(path: string, report: Reporter): Promise<FlowSink> {
	const { OpenApiDocument } = await import("../src/export/openapi.ts");
	const document = new OpenApiDocument();
	const add: Exporter = (flow, note) => {
		document.add(flow, note);
		return [];
	};
	return createExportSink(path, add, report, { begin: "", end: () => document.text() });
}

/**
 * Creates a sink that writes to a file, `-` for stdout. Flows that cannot be exported are left out and reported.
 */
export async function createExportSink(
	path: string,
	exporter: Exporter,
	report: Reporter,
	{ begin, end }: ExportFrame = { begin: "", end: () => "" },
): Promise<FlowSink> {
	const output = await openOutput(path);
	if (begin !== "") await output.write(Buffer.from(begin));
	return FlowSink.of({
		async append(flow: Flow) {
			try {
				if (flow.type !== "http") throw new FlowtapeError("FT_LOSS", `it is ${flow.type}, not HTTP`);
				const exported = exporter(flow, (message) => report("FT_LOSS", `flow ${flow.id}: ${message}`));
				for (const piece of piecesOf(exported)) await output.write(piece);
			} catch (error) {
				if (!FlowtapeError.is(error, "FT_LOSS")) throw error;
				report("FT_LOSS", `flow ${flow.id} is left out: ${error.message}`);
			}
		},
		close() {
			const last = end();
			return output.close(last === "" ? undefined : Buffer.from(last));
		},
		discard: () => output.discard(),
	});
}
