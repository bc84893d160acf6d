// Requests to the server of the page, and its events. The token comes from the link and stays in this tab.
import type { ApiError, ViewerEvent } from "./protocol.ts";

const TOKEN = "flowtape.token";
const RETRY_MS = 2000;

/** An answer that is an error. */
export class ApiFailure extends Error {
	readonly column: number | undefined;
	readonly status: number;

	constructor({ message, column }: ApiError, status: number) {
		super(message);
		this.column = column;
		this.status = status;
	}
}

let token = "";

/** Takes the token out of the address. Returns whether there is one. */
export async function signIn(): Promise<boolean> {
	const { hash } = location;
	const given = /[#&](token|code)=([\w-]+)/.exec(hash);
	if (given !== null) {
		// at once, so that the link in the address bar holds no token
		history.replaceState(null, "", hash.replace(/[#&](?:token|code)=[\w-]+/, "") || "#/");
		const [, kind, value = ""] = given;
		token = kind === "token" ? value : await redeem(value);
		sessionStorage.setItem(TOKEN, token);
	} else token = sessionStorage.getItem(TOKEN) ?? "";
	return token !== "";
}

async function redeem(code: string): Promise<string> {
	const response = await fetch("api/v1/token", { method: "POST", body: JSON.stringify({ code }) });
	return response.ok ? ((await response.json()) as { token: string }).token : "";
}

export interface Ask {
	method?: "GET" | "POST" | "PATCH";
	body?: object;
	signal?: AbortSignal;
}

/** The response to a request. @throws ApiFailure, TypeError if the server does not answer */
export async function request(path: string, { method = "GET", body, signal }: Ask = {}): Promise<Response> {
	const response = await fetch(`api/v1/${path}`, {
		method,
		headers: { Authorization: `Bearer ${token}` },
		...(body !== undefined && { body: JSON.stringify(body) }),
		...(signal !== undefined && { signal }),
	});
	if (response.ok) return response;
	throw new ApiFailure((await response.json()) as ApiError, response.status);
}

/** The JSON of an answer. */
export async function ask<T>(path: string, options?: Ask): Promise<T> {
	return (await (await request(path, options)).json()) as T;
}

/** Saves an answer as a file. */
export async function save(path: string, options?: Ask): Promise<void> {
	const response = await request(path, options);
	const [, name = "flows"] = /filename="([^"]*)"/.exec(response.headers.get("Content-Disposition") ?? "") ?? [];
	const link = document.createElement("a");
	link.href = URL.createObjectURL(await response.blob());
	link.download = name;
	link.click();
	setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Calls back with events, for ever; `onState` tells whether the server answers. */
export async function follow(
	onEvent: (event: ViewerEvent) => void,
	onState: (isThere: boolean) => void,
): Promise<void> {
	for (;;) {
		try {
			const { body } = await request("events");
			onState(true);
			if (body !== null) for await (const event of eventsOf(body)) onEvent(event);
		} catch {
			// told below
		}
		onState(false);
		await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
	}
}

async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<ViewerEvent> {
	const reader = body.getReader();
	const decoder = new TextDecoder();
	let text = "";
	for (;;) {
		const { done, value } = await reader.read();
		if (done) return;
		text += decoder.decode(value, { stream: true });
		const events = text.split("\n\n");
		text = events.pop() ?? "";
		for (const event of events) if (event.startsWith("data: ")) yield JSON.parse(event.slice(6)) as ViewerEvent;
	}
}
