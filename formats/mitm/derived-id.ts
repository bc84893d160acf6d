// Ids for records without one, derived from their values.
import { derivedUuid } from "../derived-uuid.ts";
import type { Value } from "./tnetstring.ts";
import { Writer } from "./write-tnetstring.ts";

export function derivedId(...values: Value[]): string {
	const writer = new Writer();
	writer.value(values);
	return derivedUuid(writer.takeBytes());
}
