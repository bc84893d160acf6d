// Header fields as scripts see them: text, with case-insensitive names, in order.
import { Headers } from "../flow/headers.ts";
import { checkField } from "./check-value.ts";

/** The header fields of a message, for scripts, with the names that mitmproxy has for them. */
export class HeadersView implements Iterable<[name: string, value: string]> {
	/** The underlying fields. */
	readonly headers: Headers;

	constructor(headers: Headers = new Headers()) {
		this.headers = headers;
		// headers["x"] = "y", as in Python, would not set a field: make it an error
		Object.preventExtensions(this);
	}

	/** The values of all fields with this name, joined by ", "; null if there is none. */
	get(name: string): string | null {
		return this.headers.get(name);
	}

	/** The values of all fields of this name. */
	get_all(name: string): string[] {
		return this.headers.getAll(name);
	}

	/** Whether there is a field of this name, in any case. */
	has(name: string): boolean {
		return this.headers.has(name);
	}

	/** Sets the first field with this name, which keeps its position and spelling, and removes the others. */
	set(name: string, value: string): void {
		this.headers.set(checkName(name), checkField(name, value));
	}

	/** Replaces all fields of this name by these values. */
	set_all(name: string, values: readonly string[]): void {
		this.headers.setAll(
			checkName(name),
			values.map((value) => checkField(name, value)),
		);
	}

	/** Appends a field. */
	add(name: string, value: string): void {
		this.headers.add(checkName(name), checkField(name, value));
	}

	/** Inserts a field before the one at `index`. */
	insert(index: number, name: string, value: string): void {
		this.headers.insert(index, checkName(name), checkField(name, value));
	}

	/** Removes all fields with this name. Returns whether there were any. */
	delete(name: string): boolean {
		return this.headers.delete(name);
	}

	/** The fields, in their order. */
	[Symbol.iterator](): Iterator<[name: string, value: string]> {
		return this.headers.entries();
	}
}

function checkName(name: string): string {
	return checkField("name of a header", name);
}
