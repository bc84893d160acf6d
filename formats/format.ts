// The interface of a flow-file format: it detects, reads and writes files of flows.
import type { Reporter } from "../src/errors.ts";
import type { Filter } from "../src/filter/filter.ts";
import type { FlowSink, FlowSource, ReadProgress } from "../src/flow/pipe.ts";
import type { KeyedTape } from "../src/replay/recordings/index-of-tapes.ts";

/** An input of flows. A format reads its chunks, or opens `path` itself if there is one. */
export interface Input {
	/** The file; null for streams such as stdin, and for compressed files. */
	readonly path: string | null;
	/** Name for messages. */
	readonly name: string;
	/** The first bytes, without consuming them; fewer than `size` only if the input is shorter. */
	peek(size: number): Promise<Buffer>;
	/**
	 * All bytes from the start; may be called only once. With `reuse`, each chunk is valid only until the next one is
	 * requested, which saves memory.
	 */
	chunks(options?: { reuse: boolean }): AsyncIterable<Buffer>;
	/** In bytes; null if unknown. */
	readonly size: number | null;
	/** Bytes of the file read so far, and its size; before decompression. */
	progress(): ReadProgress;
	close(): Promise<void>;
}

export interface SourceOptions {
	report: Reporter;
	/**
	 * Return only matching flows. A format may use the filter's columns to read less, but must return exactly the
	 * matching flows.
	 */
	filter?: Filter | undefined;
	ids?: readonly string[] | undefined;
	/**
	 * Whether temporary files may hold nothing of the input unless it is encrypted. A format that cannot do so reads the
	 * input into memory. Default: false.
	 */
	isConfidential?: boolean | undefined;
	/** Whether bodies are going to be read: damaged ones are then reported together with their flows. Default: true. */
	bodies?: boolean | undefined;
}

/** How a sink writes. */
export interface SinkOptions {
	report: Reporter;
	/** Version within the format, such as 21 for mitmproxy dumps; default: the newest. */
	version?: number | undefined;
	/** Append to an existing file, if the format can. */
	append?: boolean | undefined;
	/** Approximate size of the input in bytes, if known. For a large input, a sink may use a second thread. */
	inputSize?: number | undefined;
	/** Call fsync for every commit. */
	durable?: boolean | undefined;
	/** Overwrite deleted data in the file, if the format deletes any. */
	erases?: boolean | undefined;
}

/** A format of flow files. */
export interface Format {
	/** The value of `--format`. */
	readonly name: string;
	/** With the dot; the most common one first. */
	readonly extensions: readonly string[];
	/** Whether a file that begins with these bytes has this format. False for an empty file. */
	sniff(head: Buffer): boolean;
	/**
	 * Flows in tape order. Damage is reported; only `FlowtapeError` is thrown. The reader's module is loaded on first
	 * use.
	 */
	read(input: Input, options: SourceOptions): FlowSource | Promise<FlowSource>;
	/**
	 * Opens a tape for replay. Only for formats that find recordings by their request key without reading all of them.
	 */
	openKeyed?(path: string, options: SourceOptions): Promise<KeyedTape>;
	/**
	 * `create` appends after any existing content, so the caller checks that content first. Without this, `create` checks
	 * it.
	 */
	readonly isOpenEnded?: true;
	/**
	 * Opens a file for writing. A new file gets its name only when complete.
	 * @param path the file, or "-" for stdout
	 * @throws FlowtapeError FT_IO, FT_USAGE
	 */
	create(path: string, options: SinkOptions): Promise<FlowSink>;
}
