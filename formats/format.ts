// What a flow-file format is: something that recognises, reads and writes files of flows.
import type { Reporter } from "../src/errors.ts";
import type { Filter } from "../src/filter/filter.ts";
import type { FlowSink, FlowSource } from "../src/flow/pipe.ts";
import type { KeyedTape } from "../src/replay/recordings/index-of-tapes.ts";

/** Bytes to read flows from. A format reads by chunks, or opens `path` itself where it has one. */
export interface Input {
	/** The file; null for stdin and other streams, and where the bytes are those inside a compressed file. */
	readonly path: string | null;
	/** As messages name it. */
	readonly name: string;
	/** First bytes, without consuming them; fewer than asked only at the end of the input. */
	peek(size: number): Promise<Buffer>;
	/** All bytes from the start, once. With `reuse`, a chunk is good only until the next one is asked for, which spares much memory. */
	chunks(options?: { reuse: boolean }): AsyncIterable<Buffer>;
	/** Bytes, where known. */
	readonly size: number | null;
	/** Bytes of the file read so far and in all, compressed as they are. */
	progress(): { done: number; total: number | null };
	close(): Promise<void>;
}

export interface SourceOptions {
	report: Reporter;
	/** Only flows that match. A format may use what the filter tells (columns, needs) to read less; it returns exactly the matching flows. */
	filter?: Filter | undefined;
	ids?: readonly string[] | undefined;
	/** Whether bodies are going to be asked for, so that those that are damaged are found and told of with their flows; default: yes. */
	bodies?: boolean | undefined;
}

/** Where a sink writes: a file that takes its name only when it is complete, or a stream. */
export interface SinkOptions {
	report: Reporter;
	/** Version within the format, such as 21 for mitmproxy dumps; default: the newest. */
	version?: number | undefined;
	/** Add to a file that is there, where the format can. */
	append?: boolean | undefined;
	/** Bytes of what the flows are read from, about, where that is known: much of it is worth a thread. */
	inputSize?: number | undefined;
	/** fsync what is committed. */
	durable?: boolean | undefined;
}

export interface Format {
	/** As `--format` names it. */
	readonly name: string;
	/** With the dot, the usual one first. */
	readonly extensions: readonly string[];
	/** Whether a file that begins like this is of this format. An empty file is none. */
	sniff(head: Buffer): boolean;
	/**
	 * Flows in tape order. What is damaged is reported; only `FlowtapeError` is ever thrown. What reads is loaded when it is first asked for.
	 */
	read(input: Input, options: SourceOptions): FlowSource | Promise<FlowSource>;
	/** For replaying, where the format finds recordings by their key without reading them all. */
	openKeyed?(path: string, options: SourceOptions): Promise<KeyedTape>;
	/** Whether flows are added behind whatever a file holds. Other formats look at it themselves. */
	readonly isOpenEnded?: true;
	/** @param path the file, or "-" for stdout */
	create(path: string, options: SinkOptions): Promise<FlowSink>;
}
