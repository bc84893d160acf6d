// Custom file formats: a program defines how to read and write them, and passes them to the calls that should support
// them.
import type * as Fs from "node:fs/promises";
import type { Format, SinkOptions } from "../formats/index.ts";
import { FlowtapeError, type Reporter } from "../src/errors.ts";
import type { Flow } from "../src/flow/flow.ts";
import { FlowSink, FlowSource } from "../src/flow/pipe.ts";
import { lazily } from "../src/lazy.ts";

const fs = lazily<typeof Fs>("node:fs/promises");

export type { Format };

/** The context for reading a file. */
export interface FormatContext {
	/** The name of the file, for messages. */
	readonly name: string;
	/** Call it for damage that is skipped, with the position. */
	readonly report: Reporter;
}

/** The context for writing a file. */
export interface FormatWriteContext extends FormatContext {
	/** Whether the file already has flows. The new ones are appended to these. */
	readonly isContinued: boolean;
}

/** The file that a format writes. It gets its final name when it is complete. */
export interface FormatOutput {
	/** Writes bytes; a string is written as UTF-8. Await it before the next write. */
	write(bytes: string | Uint8Array): Promise<void>;
}

/** Writes flows, one after the other. */
export interface FormatWriter {
	/** Writes a flow. flowtape awaits the result before the next call. */
	append(flow: Flow): void | Promise<void>;
	/** Called once, after the last flow. */
	end?(): void | Promise<void>;
}

/** How to detect, read and write a format. */
export interface FormatDefinition {
	/** The name for the option `format`. */
	readonly name: string;
	/**
	 * File name extensions with the dot, the usual one first. A file that is written with one of them gets this format.
	 */
	readonly extensions: readonly string[];
	/**
	 * Whether a file with these first bytes (at most 4096) has this format. Default: never, so a caller must name the
	 * `format`.
	 */
	sniff?(head: Buffer): boolean;
	/**
	 * Returns the flows in the bytes of a file, in order. Compressed files arrive decompressed. Default: the format
	 * cannot be read.
	 */
	read?(bytes: AsyncIterable<Buffer>, context: FormatContext): Iterable<Flow> | AsyncIterable<Flow>;
	/** Returns a writer for the file. Default: the format cannot be written. */
	write?(output: FormatOutput, context: FormatWriteContext): FormatWriter;
}

/**
 * Defines a format for the option `formats` of `openTape`, `createTape`, `convert` and the other functions. Only calls
 * that get the format support it. Reading or writing throws FlowtapeError FT_USAGE if the definition lacks `read` or
 * `write`.
 */
export function defineFormat(definition: FormatDefinition): Format {
	const { name, extensions } = definition;
	return {
		name,
		extensions,
		sniff: (head) => definition.sniff?.(head) ?? false,
		async read(input, { report, filter, ids }) {
			const flows = definition.read?.(input.chunks(), { name: input.name, report });
			if (flows === undefined)
				throw new FlowtapeError("FT_USAGE", `${input.name}: the format ${name} cannot be read`, { file: input.name });
			const wanted = ids === undefined ? null : new Set(ids);
			return FlowSource.of(async function* () {
				for await (const flow of flows)
					if (wanted?.has(flow.id) !== false && filter?.matches(flow) !== false) yield [flow];
			});
		},
		async create(path, options) {
			if (definition.write === undefined)
				throw new FlowtapeError("FT_USAGE", `${path}: the format ${name} cannot be written`, { file: path });
			return openWriter(path, definition.write.bind(definition), options);
		},
	};
}

async function openWriter(
	path: string,
	write: NonNullable<FormatDefinition["write"]>,
	{ report, append = false }: SinkOptions,
): Promise<FlowSink> {
	const { openOutput } = await import("../formats/index.ts");
	const { size } = append
		? await fs()
				.stat(path)
				.catch(() => ({ size: 0 }))
		: { size: 0 };
	const output = await openOutput(path, { append });
	const bytesOf = (text: string | Uint8Array) => (typeof text === "string" ? Buffer.from(text) : text);
	try {
		const writer = write(
			{ write: (text) => output.write(bytesOf(text)) },
			{ name: path, report, isContinued: size > 0 },
		);
		return FlowSink.of({
			append: (flow) => writer.append(flow),
			async close() {
				await writer.end?.();
				await output.close();
			},
			discard: () => output.discard(),
		});
	} catch (error) {
		await output.discard();
		throw error;
	}
}
