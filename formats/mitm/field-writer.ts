// Writes the fields of a record. `Writer` writes backwards: the last field comes first, and each value before its name.
import type { ByteString } from "../../src/flow/bytes.ts";
import type { MetaValue } from "../../src/flow/metadata.ts";
import { TAG } from "./tnetstring.ts";
import { Writer } from "./write-tnetstring.ts";

export class FieldWriter extends Writer {
	/** Encoded names, cached because every record has the same ones. */
	readonly #names = new Map<string, Buffer>();

	/** Names the value written last. */
	name(name: string): void {
		let element = this.#names.get(name);
		if (element === undefined) {
			element = Buffer.from(`${name.length}:${name};`);
			this.#names.set(name, element);
		}
		this.raw(element);
	}

	textField(name: string, text: string | null): void {
		if (text === null) this.null();
		else this.text(text);
		this.name(name);
	}

	bytesField(name: string, bytes: Uint8Array | ByteString | null): void {
		if (bytes === null) this.null();
		else this.bytes(bytes);
		this.name(name);
	}

	floatField(name: string, number: number | null): void {
		if (number === null) this.null();
		else this.float(number);
		this.name(name);
	}

	integerField(name: string, number: number | null): void {
		if (number === null) this.null();
		else this.integer(number);
		this.name(name);
	}

	booleanField(name: string, value: boolean | null): void {
		if (value === null) this.null();
		else this.boolean(value);
		this.name(name);
	}

	valueField(name: string, value: MetaValue): void {
		this.value(value);
		this.name(name);
	}

	/** Writes a dictionary with the fields that `fields` writes, or null for null. */
	dictionaryField<T>(name: string, value: T | null, fields: (value: T) => void): void {
		if (value === null) this.null();
		else this.dictionary(() => fields(value));
		this.name(name);
	}

	listField<T>(name: string, items: readonly T[], write: (item: T) => void): void {
		this.list(items, write);
		this.name(name);
	}

	dictionary(fields: () => void): void {
		const begun = this.begin(TAG.dictionary);
		fields();
		this.end(begun);
	}

	list<T>(items: readonly T[], write: (item: T) => void): void {
		const begun = this.begin(TAG.list);
		for (let i = items.length - 1; i >= 0; i--) write(items[i] as T);
		this.end(begun);
	}
}
