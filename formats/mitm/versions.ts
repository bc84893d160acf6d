// The versions of a dump's records: lists of two or three numbers up to 3.0, whole numbers from then on.
import { FlowtapeError } from "../../src/errors.ts";
import type { Value } from "./tnetstring.ts";
import { numberOf } from "./values.ts";

/** The version that is written by default, and read as it is. */
export const NEWEST = 21;

/** In order; those of development builds as well, for real files carry them. */
export const VERSIONS = [
	...["0.10", "0.11", "0.12", "0.13", "0.14", "0.15", "0.16", "0.17", "0.18", "0.19", "1.0", "2.0", "3.0"],
	...Array.from({ length: NEWEST - 3 }, (_, n) => String(n + 4)),
] as const satisfies readonly string[];

/** From this version on records are read as they are: only names differ. */
export const READ_AS_IS = VERSIONS.indexOf("14");

/**
 * The place of a record's version in `VERSIONS`.
 * @throws FlowtapeError FT_NEWER_FORMAT for a version that is not known yet, FT_CORRUPT_FLOW for one that never was
 */
export function versionIndex(version: Value | undefined): number {
	const index = VERSIONS.indexOf(nameOf(version));
	if (index !== -1) return index;
	const found = version === undefined ? "a flow without a dump version" : `a flow of dump version ${shown(version)}`;
	const known = `versions ${VERSIONS[0]} to ${NEWEST} can be read`;
	if (typeof version === "number" && version > NEWEST) throw new FlowtapeError("FT_NEWER_FORMAT", `${found} was found, ${known}; a newer flowtape may know it`);
	throw new FlowtapeError("FT_CORRUPT_FLOW", `${found} was found, ${known}`);
}

function nameOf(version: Value | undefined): string {
	if (Array.isArray(version) && version.length > 1) return version.slice(0, 2).map(numberOf).join(".");
	return typeof version === "number" ? String(version) : "";
}

function shown(version: Value): string {
	if (Array.isArray(version)) return version.slice(0, 3).map(numberOf).join(".");
	return typeof version === "number" ? String(version) : "that is no number";
}
