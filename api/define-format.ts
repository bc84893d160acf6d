// Formats of a program's own: functions from bytes to flows and back, given to the call that is to know them.
import { stat } from "node:fs/promises";
import type { Format, Input, SinkOptions } from "../formats/index.ts";
import { FlowtapeError, type Reporter } from "../src/errors.ts";
import type { Flow } from "../src/flow/flow.ts";
import { FlowSink, FlowSource } from "../src/flow/pipe.ts";

export type { Format };

export interface FormatContext {
	/** The file, as messages name it. */
	readonly name: string;
	/** To be told of what is damaged and skipped, with its place. */
	readonly report: Reporter;
}

export interface FormatWriteContext extends FormatContext {
	/** Whether there are flows in the file already, behind which the new ones come. */
	readonly isContinued: boolean;
}

/** Where a format writes. The file has its name once it is whole. */
export interface FormatOutput {
	/** Text as UTF-8. */
	write(bytes: string | Uint8Array): Promise<void>;
}

/** Takes flows, one after the other. */
export interface FormatWriter {
	append(flow: Flow): void | Promise<void>;
	/** Called once, after the last flow. */
	end?(): void | Promise<void>;
}

export interface FormatDefinition {
	/** As `format` names it. */
	readonly name: string;
	/** With the dot, the usual one first: files that are written with one of them have this format. */
	readonly extensions: readonly string[];
	/** Whether a file that begins with these bytes, at most 4096, is of this format. Default: never, so that `format` has to name it. */
	sniff?(head: Buffer): boolean;
	/** The flows in the bytes of a file, decompressed where it is compressed, in order. Default: it cannot be read. */
	read?(bytes: AsyncIterable<Buffer>, context: FormatContext): Iterable<Flow> | AsyncIterable<Flow>;
	/** Default: it cannot be written. */
	write?(output: FormatOutput, context: FormatWriteContext): FormatWriter;
}

/** A format for `formats` of `openTape`, `createTape` and the verbs: the call that is given it knows it, no other. */
export function defineFormat(definition: FormatDefinition): Format {
	const { name, extensions } = definition;
	return {
		...{ name, extensions },
		sniff: (head) => definition.sniff?.(head) ?? false,
		async read(input, { report, filter, ids }) {
			const flows = definition.read?.(chunksOf(input), { name: input.name, report });
			if (flows === undefined) throw new FlowtapeError("FT_USAGE", `${input.name}: the format ${name} cannot be read`, { file: input.name });
			const wanted = ids === undefined ? null : new Set(ids);
			return FlowSource.of(async function* () {
				for await (const flow of flows) if (wanted?.has(flow.id) !== false && filter?.matches(flow) !== false) yield [flow];
			});
		},
		async create(path, options) {
			if (definition.write === undefined) throw new FlowtapeError("FT_USAGE", `${path}: the format ${name} cannot be written`, { file: path });
			return createSink(path, definition.write.bind(definition), options);
		},
	};
}

async function* chunksOf(input: Input): AsyncGenerator<Buffer> {
	yield* input.chunks();
}

async function createSink(path: string, write: NonNullable<FormatDefinition["write"]>, { report, append = false }: SinkOptions): Promise<FlowSink> {
	const { openOutput } = await import("../formats/index.ts");
	const { size } = append ? await stat(path).catch(() => ({ size: 0 })) : { size: 0 };
	const output = await openOutput(path, { append });
	const bytesOf = (text: string | Uint8Array) => (typeof text === "string" ? Buffer.from(text) : text);
	const writer = write({ write: (text) => output.write(bytesOf(text)) }, { name: path, report, isContinued: size > 0 });
	return FlowSink.of({
		append: (flow) => writer.append(flow),
		async close() {
			await writer.end?.();
			await output.close();
		},
		discard: () => output.discard(),
	});
}
