// View of MessagePack as JSON, with large integers as strings and bytes in hexadecimal.
import type * as Msgpackr from "msgpackr";
import { lazily } from "../lazy.ts";
import type { View } from "./view.ts";

const msgpackr = lazily<typeof Msgpackr>("msgpackr");

const TYPE = /^application\/(?:x-|vnd\.)?(?:msgpack|messagepack)$/;

export const msgpack: View = ({ type, bytes }) => {
	if (!TYPE.test(type)) return null;
	try {
		const { Unpackr } = msgpackr();
		const values = new Unpackr({ useRecords: false, int64AsType: "bigint" }).unpackMultiple(bytes) as unknown[];
		return values.map((value) => JSON.stringify(value, jsonValue, 2)).join("\n");
	} catch {
		return null;
	}
};

function jsonValue(_key: string, value: unknown): unknown {
	if (typeof value === "bigint") return String(value);
	if (typeof value === "object" && value !== null && "type" in value && value.type === "Buffer" && "data" in value)
		return Buffer.from(value.data as number[]).toString("hex");
	return value;
}
