// The versions of a dump's records: lists of two or three numbers up to 3.0, then integers.
import { FlowtapeError } from "../../src/errors.ts";
import type { Value } from "./tnetstring.ts";
import { numberOf } from "./values.ts";

/** The default version for writing. */
export const NEWEST = 21;

/** In order, with those of development builds, which occur in real files. */
export const VERSIONS = [
	"0.10",
	"0.11",
	"0.12",
	"0.13",
	"0.14",
	"0.15",
	"0.16",
	"0.17",
	"0.18",
	"0.19",
	"1.0",
	"2.0",
	"3.0",
	...Array.from({ length: NEWEST - 3 }, (_, n) => String(n + 4)),
] as const satisfies readonly string[];

/** Records from this version on are read without migration: only names differ. */
export const READ_AS_IS = VERSIONS.indexOf("14");

/**
 * The index of a record's version in `VERSIONS`.
 * @throws FlowtapeError FT_NEWER_FORMAT for a newer version, FT_CORRUPT_FLOW for an invalid one
 */
export function versionIndex(version: Value | undefined): number {
	const index = VERSIONS.indexOf(nameOf(version));
	if (index !== -1) return index;
	const found = version === undefined ? "a flow without a dump version" : describeVersion(version);
	const expected = `expected dump version ${VERSIONS[0]} to ${NEWEST}`;
	if (typeof version === "number" && version > NEWEST)
		throw new FlowtapeError("FT_NEWER_FORMAT", `${expected}, found ${found}: update flowtape to read it`);
	throw new FlowtapeError("FT_CORRUPT_FLOW", `${expected}, found ${found}`);
}

function nameOf(version: Value | undefined): string {
	if (Array.isArray(version) && version.length > 1) return version.slice(0, 2).map(numberOf).join(".");
	return typeof version === "number" ? String(version) : "";
}

function describeVersion(version: Value): string {
	if (typeof version === "number") return `a flow of dump version ${version}`;
	return Array.isArray(version)
		? `a flow of dump version ${version.slice(0, 3).map(numberOf).join(".")}`
		: "a flow with a dump version that is not a number";
}
