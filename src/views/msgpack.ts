// MessagePack, as JSON with what JSON does not have in words.
import { createRequire } from "node:module";
import type * as Msgpackr from "msgpackr";
import type { View } from "./view.ts";

const TYPE = /^application\/(?:x-|vnd\.)?(?:msgpack|messagepack)$/;

export const msgpack: View = ({ type, bytes }) => {
	if (!TYPE.test(type)) return null;
	try {
		const { Unpackr } = createRequire(import.meta.url)("msgpackr") as typeof Msgpackr;
		const values = new Unpackr({ useRecords: false, int64AsType: "bigint" }).unpackMultiple(bytes) as unknown[];
		return values.map((value) => JSON.stringify(value, shown, 2)).join("\n");
	} catch {
		return null;
	}
};

function shown(_key: string, value: unknown): unknown {
	if (typeof value === "bigint") return String(value);
	if (typeof value === "object" && value !== null && "type" in value && value.type === "Buffer" && "data" in value)
		return Buffer.from(value.data as number[]).toString("hex");
	return value;
}
