// The version in which a dump is written, and who is told of what it cannot hold.

/** Versions that can be written, with the releases of mitmproxy that read nothing newer. */
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
	/** Told of what the version has no room for, in words; whoever listens tells it once. */
	lost(what: string): void;
}
