// Header fields as scripts see them: text, case-insensitive, in order.
import { Headers } from "../flow/headers.ts";
import { checkField } from "./check-value.ts";

export class HeadersView implements Iterable<[name: string, value: string]> {
	/** What is shown. */
	readonly headers: Headers;

	constructor(headers: Headers = new Headers()) {
		this.headers = headers;
		// as in Python, headers["x"] = "y" would seem to set a field; so it is an error
		Object.preventExtensions(this);
	}

	/** The values of all fields of this name joined by ", "; null where there is none. */
	get(name: string): string | null {
		return this.headers.get(name);
	}

	get_all(name: string): string[] {
		return this.headers.getAll(name);
	}

	has(name: string): boolean {
		return this.headers.has(name);
	}

	/** One field of this name: the first keeps its place and spelling, others go. */
	set(name: string, value: string): void {
		this.headers.set(checkName(name), checkField(name, value));
	}

	set_all(name: string, values: readonly string[]): void {
		this.headers.setAll(
			checkName(name),
			values.map((value) => checkField(name, value)),
		);
	}

	/** Appends a field, whatever is there already. */
	add(name: string, value: string): void {
		this.headers.add(checkName(name), checkField(name, value));
	}

	/** Puts a field before the one at `index`. */
	insert(index: number, name: string, value: string): void {
		this.headers.insert(index, checkName(name), checkField(name, value));
	}

	/** Removes all fields of this name; whether there were any. */
	delete(name: string): boolean {
		return this.headers.delete(name);
	}

	[Symbol.iterator](): Iterator<[name: string, value: string]> {
		return this.headers.entries();
	}
}

function checkName(name: string): string {
	return checkField("name of a header", name);
}
