// Infers an OpenAPI 3.1 document from flows: paths, methods, query parameters, statuses and JSON schemas. It contains
// names and types, never a recorded value.
import { FlowtapeError } from "../errors.ts";
import { toText } from "../flow/bytes.ts";
import { isJsonType, parseMediaType } from "../flow/content-type.ts";
import type { HttpFlow } from "../flow/flow.ts";
import type { Message } from "../flow/message.ts";
import { standardReason } from "../flow/reason.ts";
import { formatAuthority, parseQuery, splitPath } from "../flow/url.ts";
import { isJson } from "../json/walk.ts";
import type { Note } from "./request-parts.ts";

/** The methods of a path item (OpenAPI 3.1 section 4.8.9). */
const METHODS = new Set(["GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"]);

/** Path segments that count as parameters: numbers, UUIDs, and long words with digits, such as tokens. */
const PARAMETERS: readonly (readonly [pattern: RegExp, name: string, schema: object])[] = [
	[/^\d+$/, "id", { type: "integer" }],
	[/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i, "uuid", { type: "string", format: "uuid" }],
	[/^(?=.*\d)(?:[\da-f]{16,}|(?=.*[a-z])[\w.~%+=-]{20,})$/i, "key", { type: "string" }],
];

function parameterFor(segment: string) {
	return PARAMETERS.find(([pattern]) => pattern.test(segment));
}

/**
 * Maximum number of properties of an object. An object with more is described as a map: its names are probably data,
 * such as ids.
 */
const PROPERTY_LIMIT = 200;
/**
 * Maximum number of properties of all objects of the document. Objects with further properties are described as maps.
 */
const MEMBER_LIMIT = 100_000;

/** How many more properties the document can describe. */
interface PropertyBudget {
	left: number;
}

/** The observed types of a JSON value. */
class Shape {
	readonly #budget: PropertyBudget;
	readonly #types = new Set<string>();
	readonly #properties = new Map<string, { shape: Shape; seen: number }>();
	#objects = 0;
	#isMap = false;
	#items: Shape | null = null;

	constructor(budget: PropertyBudget) {
		this.#budget = budget;
	}

	add(value: unknown): void {
		if (Array.isArray(value)) {
			this.#types.add("array");
			this.#items ??= new Shape(this.#budget);
			for (const item of value) this.#items.add(item);
		} else if (typeof value === "object" && value !== null) {
			this.#types.add("object");
			this.#objects++;
			if (!this.#isMap) this.#addMembers(Object.entries(value));
		} else this.#types.add(value === null ? "null" : Number.isInteger(value) ? "integer" : typeof value);
	}

	#addMembers(members: readonly [name: string, value: unknown][]): void {
		for (const [name, value] of members) {
			let property = this.#properties.get(name);
			if (property === undefined) {
				if (this.#properties.size === PROPERTY_LIMIT || this.#budget.left === 0 || parameterFor(name) !== undefined) {
					this.#isMap = true;
					this.#properties.clear();
					return;
				}
				this.#budget.left--;
				property = { shape: new Shape(this.#budget), seen: 0 };
				this.#properties.set(name, property);
			}
			property.seen++;
			property.shape.add(value);
		}
	}

	/** The JSON Schema. */
	schema(): object {
		const types = [...this.#types].filter((type) => type !== "integer" || !this.#types.has("number")).sort();
		return {
			...(types.length === 1 ? { type: types[0] } : types.length > 1 ? { type: types } : {}),
			...(this.#objects > 0 ? this.#members() : {}),
			...(this.#items === null ? {} : { items: this.#items.schema() }),
		};
	}

	#members(): object {
		if (this.#isMap) return { additionalProperties: true };
		const all = [...this.#properties].sort(([a], [b]) => (a < b ? -1 : 1));
		const required = all.filter(([, { seen }]) => seen === this.#objects).map(([name]) => name);
		return {
			properties: objectOf(all.map(([name, { shape }]) => [name, shape.schema()])),
			...(required.length > 0 ? { required } : {}),
		};
	}
}

/** The request bodies of an operation, or the response bodies of one status, by media type. */
class Bodies {
	readonly #budget: PropertyBudget;
	readonly #types = new Map<string, Shape | null>();

	constructor(budget: PropertyBudget) {
		this.#budget = budget;
	}

	add(message: Message): void {
		const { essence } = parseMediaType(message.headers.get("content-type"));
		if (!message.bodySize || !/^[\w.+-]+\/[\w.+-]+$/.test(essence)) return;
		const shape = this.#types.get(essence) ?? (isJsonType(essence) ? new Shape(this.#budget) : null);
		this.#types.set(essence, shape);
		const text = shape === null ? null : message.text;
		if (text !== null && isJson(text)) shape?.add(JSON.parse(text));
	}

	/** The `content` of a request body or response; null: there were no bodies. */
	content(): object | null {
		if (this.#types.size === 0) return null;
		const types = [...this.#types].sort(([a], [b]) => (a < b ? -1 : 1));
		return objectOf(types.map(([type, shape]) => [type, shape === null ? {} : { schema: shape.schema() }]));
	}
}

/** One method of one path. */
class Operation {
	readonly #budget: PropertyBudget;
	readonly #query = new Map<string, { seen: number; values: Shape; isRepeated: boolean }>();
	readonly #request: Bodies;
	readonly #responses = new Map<number, Bodies>();
	#seen = 0;

	constructor(budget: PropertyBudget) {
		this.#budget = budget;
		this.#request = new Bodies(budget);
	}

	add({ request, response }: HttpFlow, query: string): void {
		this.#seen++;
		const names = new Set<string>();
		for (const [name, value] of parseQuery(query)) {
			const known = this.#query.get(name) ?? { seen: 0, values: new Shape(this.#budget), isRepeated: false };
			this.#query.set(name, known);
			known.isRepeated ||= names.has(name);
			if (!names.has(name)) known.seen++;
			names.add(name);
			known.values.add(/^-?\d{1,15}$/.test(value) ? 0 : /^(?:true|false)$/.test(value) ? true : "");
		}
		this.#request.add(request);
		if (response === null) return;
		const { statusCode } = response;
		const known = this.#responses.get(statusCode) ?? new Bodies(this.#budget);
		this.#responses.set(statusCode, known);
		known.add(response);
	}

	toJSON(parameters: readonly object[]): object {
		const content = this.#request.content();
		const query = [...this.#query].map(([name, { seen, values, isRepeated }]) => ({
			name,
			in: "query",
			...(seen === this.#seen ? { required: true } : {}),
			schema: isRepeated ? { type: "array", items: values.schema() } : values.schema(),
		}));
		const all = [...parameters, ...query];
		const responses = [...this.#responses].sort(([a], [b]) => a - b);
		return {
			...(all.length > 0 ? { parameters: all } : {}),
			...(content === null ? {} : { requestBody: { content } }),
			responses: objectOf(
				responses.length === 0
					? [["default", { description: "No response was recorded" }]]
					: responses.map(([status, bodies]) => {
							const body = bodies.content();
							const description = standardReason(status) || `Status ${status}`;
							return [String(status), { description, ...(body === null ? {} : { content: body }) }];
						}),
			),
		};
	}
}

/** Collects flows for a document. */
export class OpenApiDocument {
	readonly #budget: PropertyBudget = { left: MEMBER_LIMIT };
	readonly #servers = new Set<string>();
	readonly #paths = new Map<string, { parameters: object[]; methods: Map<string, Operation> }>();

	/**
	 * Adds a flow.
	 * @throws FlowtapeError FT_LOSS for a flow that OpenAPI cannot describe
	 */
	add(flow: HttpFlow, note: Note = () => {}): void {
		const { request } = flow;
		const method = request.method.toUpperCase();
		const scheme = /^(?:http|ws)(s?)$/i.exec(request.scheme);
		if (!METHODS.has(method)) throw new FlowtapeError("FT_LOSS", `OpenAPI has no method ${JSON.stringify(method)}`);
		if (scheme === null || !request.path.startsWith("/"))
			throw new FlowtapeError("FT_LOSS", "its URL is not one of http or https with a path");
		if (flow.websocket !== null) note("the messages of its WebSocket are left out");
		const { path, query } = splitPath(toText(request.path));
		const { template, parameters } = templateOf(path);
		const base = scheme[1] === "" ? "http" : "https";
		this.#servers.add(`${base}://${formatAuthority(request.prettyHost, request.port, base)}`);
		const item = this.#paths.get(template) ?? { parameters, methods: new Map<string, Operation>() };
		this.#paths.set(template, item);
		const operation = item.methods.get(method) ?? new Operation(this.#budget);
		item.methods.set(method, operation);
		operation.add(flow, query);
	}

	/** The document, as JSON text that ends with a line feed. */
	text(): string {
		const paths = [...this.#paths].sort(([a], [b]) => (a < b ? -1 : 1));
		const document = {
			openapi: "3.1.0",
			info: { title: "API inferred from recorded flows", version: "0.0.0" },
			...(this.#servers.size > 0 ? { servers: [...this.#servers].sort().map((url) => ({ url })) } : {}),
			paths: objectOf(
				paths.map(([template, { parameters, methods }]) => [
					template,
					objectOf([...methods].map(([method, operation]) => [method.toLowerCase(), operation.toJSON(parameters)])),
				]),
			),
		};
		return `${JSON.stringify(document, null, 2)}\n`;
	}
}

/** The path, with parameters in place of segments that look like ids, which may be secret. */
function templateOf(path: string): { template: string; parameters: object[] } {
	const parameters: object[] = [];
	const used = new Map<string, number>();
	const segments = path.split("/").map((segment) => {
		const found = parameterFor(segment);
		// braces would begin a parameter
		if (found === undefined) return segment.replaceAll("{", "%7B").replaceAll("}", "%7D");
		const [, base, schema] = found;
		const count = (used.get(base) ?? 0) + 1;
		used.set(base, count);
		const name = count === 1 ? base : `${base}${count}`;
		parameters.push({ name, in: "path", required: true, schema });
		return `{${name}}`;
	});
	return { template: segments.join("/"), parameters };
}

/** An object that can have any key, even `__proto__`. */
function objectOf(entries: readonly (readonly [key: string, value: object])[]): object {
	return Object.fromEntries(entries);
}
