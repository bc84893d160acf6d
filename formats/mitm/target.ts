// The version of a dump being written, and the reporter of losses.

/** The versions that can be written, with the mitmproxy releases that need them. */
export const WRITABLE: ReadonlyMap<number, string> = new Map([
	[15, "8.0"],
	[17, "8.1"],
	[18, "9"],
	[20, "10"],
	[21, "11 and later"],
]);

export interface Target {
	/** One of `WRITABLE`. */
	readonly version: number;
	/** Reports what the version cannot store, as text. The listener reports each loss once. */
	reportLoss(what: string): void;
}
