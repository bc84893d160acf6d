// The output that a command or a program names, as a sink.
import { type CreateOptions, createTape, formatForWriting } from "../formats/index.ts";
import { FlowtapeError } from "../src/errors.ts";
import type { FlowSink } from "../src/flow/pipe.ts";

export interface SinkSetup extends Omit<CreateOptions, "version"> {
	/** The version of a mitmproxy dump; default: the newest. */
	dumpVersion?: number | undefined;
	/** How errors call that option. */
	versionName?: string;
}

/** @throws FlowtapeError FT_USAGE, also for a version of what is no dump; FT_BAD_OPTION; FT_IO */
export async function createSink(path: string, { dumpVersion: version, versionName = "dumpVersion", ...options }: SinkSetup): Promise<FlowSink> {
	if (version !== undefined && formatForWriting(path, options.format, options.formats).name !== "mitm")
		throw new FlowtapeError("FT_USAGE", `${versionName} ${version}: a mitmproxy dump was expected as output, not ${path}`);
	return createTape(path, { ...options, version });
}
