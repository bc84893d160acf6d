// Opens the output of a command or a program as a sink.
import { type CreateOptions, createTape, formatForWriting } from "../formats/index.ts";
import { FlowtapeError } from "../src/errors.ts";
import type { FlowSink } from "../src/flow/pipe.ts";

export interface SinkSetup extends Omit<CreateOptions, "version"> {
	/** The format version of a mitmproxy dump; default: the newest. */
	dumpVersion?: number | undefined;
	/** The name of that option in errors. */
	versionName?: string;
}

/**
 * @throws FlowtapeError FT_USAGE, also if a dump version is given and the output is not a dump; FT_BAD_OPTION; FT_IO
 */
export async function createSink(
	path: string,
	{ dumpVersion: version, versionName = "dumpVersion", ...options }: SinkSetup,
): Promise<FlowSink> {
	if (version !== undefined && formatForWriting(path, options.format, options.formats).name !== "mitm")
		throw new FlowtapeError(
			"FT_USAGE",
			`${versionName} ${version}: expected a mitmproxy dump as output, found ${path}`,
		);
	return createTape(path, { ...options, version });
}
