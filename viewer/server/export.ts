// Writes chosen flows to a file of any format, for a download.
import { rm } from "node:fs/promises";
import { join, parse } from "node:path";
import { createSink } from "../../api/create-sink.ts";
import { extensionOf, formatNames } from "../../api/formats.ts";
import type { FormatName } from "../../api/tape.ts";
import { FlowtapeError } from "../../src/errors.ts";
import { createTemporaryFolder } from "../../src/temporary-folder.ts";
import type { ViewedTape } from "./tape.ts";

export interface ExportedFile {
	/** The file name that the browser proposes. */
	readonly name: string;
	readonly path: string;
	/** Number of parts that the format cannot hold, or that could not be read. */
	readonly losses: number;
	remove(): Promise<void>;
}

/** @throws FlowtapeError FT_USAGE for an unknown format, FT_IO */
export async function exportTo(tape: ViewedTape, numbers: readonly number[], format: string): Promise<ExportedFile> {
	if (!formatNames.includes(format))
		throw new FlowtapeError("FT_USAGE", `the format of an export is one of ${formatNames.join(", ")}`);
	const name = `${parse(tape.names[0] ?? "").name || "flows"}${extensionOf(format)}`;
	const folder = await createTemporaryFolder("flowtape-view-");
	const remove = () => rm(folder, { recursive: true, force: true });
	let losses = 0;
	try {
		const path = join(folder, `export${extensionOf(format)}`);
		const sink = await createSink(path, { format: format as FormatName, report: () => losses++ });
		for (const seq of numbers) {
			const flow = tape.table.flow(seq);
			if (flow === null) losses++;
			else await sink.append(flow);
		}
		await sink.close();
		return { name, path, losses, remove };
	} catch (error) {
		await remove();
		throw error;
	}
}
