// The HTTP server of the viewer: the page, the API and the stream of events, for its own page only.
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { errorCodes, FlowtapeError, type Reporter } from "../../src/errors.ts";
import type { ApiError, ExportQuestion, ViewerEvent } from "../page/protocol.ts";
import { Download, NotFound, ViewerApi } from "./api.ts";
import { exportTo } from "./export.ts";
import { attachmentHeaders, commonHeaders, Guard, type Refusal } from "./guard.ts";
import { ViewedTape } from "./tape.ts";

/** Bytes of a request's body. */
const MAX_BODY = 1024 * 1024;
const MAX_STREAMS = 16;
/** How often a comment is sent on an idle stream of events, in milliseconds. */
const KEEP_ALIVE_MS = 15_000;
/** Bytes that wait for a slow reader of events before its stream is ended. */
const MAX_WAITING = 1024 * 1024;

const API = "/api/v1/";

/** The files of the page, by path. */
const FILES: Readonly<Record<string, readonly [file: string, type: string]>> = {
	"/": ["index.html", "text/html; charset=utf-8"],
	"/page.js": ["page.js", "text/javascript; charset=utf-8"],
	"/page-style.css": ["page-style.css", "text/css; charset=utf-8"],
};

export interface ViewerSetup {
	/** The files to show, in any format; several are one list. */
	readonly tapes: readonly string[];
	/** Default: 127.0.0.1. */
	readonly host?: string;
	/** Default: 0, any free port. */
	readonly port?: number;
	/** Whether marks and comments cannot be changed. Default: false. */
	readonly isReadOnly?: boolean;
	/** More names of this server, for a container or a reverse proxy. */
	readonly allowedHosts?: readonly string[];
	readonly version: string;
	readonly signal?: AbortSignal | undefined;
	readonly report: Reporter;
}

/** A viewer that is running. */
export interface RunningViewer extends AsyncDisposable {
	/** The link for people, with the token in its fragment. */
	readonly url: string;
	/** A link that works once, within a minute, for a browser that is opened by a command. */
	openingUrl(): string;
	close(): Promise<void>;
}

/**
 * Opens the tapes and listens.
 * @throws FlowtapeError as `openTape`, FT_PORT
 */
export async function startViewer(setup: ViewerSetup): Promise<RunningViewer> {
	const { tapes, report, signal, isReadOnly = false } = setup;
	const tape = await ViewedTape.open(tapes, { report, signal, isReadOnly });
	try {
		return await Viewer.start(tape, setup);
	} catch (error) {
		await tape.close();
		throw error;
	}
}

class Viewer implements RunningViewer {
	readonly url: string;
	readonly #base: string;
	readonly #tape: ViewedTape;
	readonly #server: Server;
	readonly #guard: Guard;
	readonly #api: ViewerApi;
	#streams = 0;

	static async start(tape: ViewedTape, setup: ViewerSetup): Promise<Viewer> {
		const { host = "127.0.0.1", port = 0 } = setup;
		const server = createServer();
		await new Promise<void>((resolve, reject) => {
			const fail = (cause: Error) =>
				reject(
					new FlowtapeError("FT_PORT", `the viewer cannot listen on ${host}:${port}: ${cause.message}`, { cause }),
				);
			server.once("error", fail);
			server.listen(port, host, () => {
				server.off("error", fail);
				resolve();
			});
		});
		return new Viewer(tape, setup, server);
	}

	private constructor(tape: ViewedTape, { host, allowedHosts, version }: ViewerSetup, server: Server) {
		const { port } = server.address() as AddressInfo;
		this.#tape = tape;
		this.#server = server;
		this.#guard = new Guard(port, allowedHosts);
		this.#api = new ViewerApi(tape, version);
		this.#base = `http://${host === undefined || host === "0.0.0.0" ? "127.0.0.1" : host.includes(":") ? `[${host}]` : host}:${port}/`;
		this.url = `${this.#base}#token=${this.#guard.token}`;
		server.on("request", (request, response) => void this.#handle(request, response));
		server.on("upgrade", (_request, socket) => socket.destroy());
	}

	openingUrl(): string {
		return `${this.#base}#code=${this.#guard.createCode()}`;
	}

	async close(): Promise<void> {
		const closed = new Promise((resolve) => this.#server.close(resolve));
		this.#server.closeAllConnections();
		await closed;
		await this.#tape.close();
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
		try {
			const refusal = this.#guard.checkSource(request);
			if (refusal !== null) return refuse(response, refusal);
			const { pathname, searchParams } = new URL(request.url ?? "/", "http://viewer");
			if (!pathname.startsWith(API)) return await sendFile(request, response, pathname);
			await this.#answer(request, response, pathname.slice(API.length), searchParams);
		} catch (error) {
			sendError(response, error);
		}
	}

	async #answer(
		request: IncomingMessage,
		response: ServerResponse,
		path: string,
		query: URLSearchParams,
	): Promise<void> {
		const { method = "GET" } = request;
		if (method === "POST" && path === "token") return this.#redeem(await bodyOf(request), response);
		const refusal = this.#guard.checkToken(request);
		if (refusal !== null) return refuse(response, refusal);
		if (method === "GET" && path === "events") return this.#stream(response);
		const body = method === "GET" ? undefined : await bodyOf(request);
		if (method === "POST" && path === "export") return await this.#export(body as ExportQuestion, response);
		const answer = await this.#api.answer({ method, path: path.split("/"), query, body });
		if (answer instanceof Download) send(response, 200, answer.bytes, attachmentHeaders(answer.name));
		else sendJson(response, 200, answer);
	}

	#redeem(body: unknown, response: ServerResponse): void {
		const { code } = (body ?? {}) as { code?: unknown };
		const token = typeof code === "string" ? this.#guard.redeem(code) : null;
		if (token === null) refuse(response, { status: 401, message: "The link was used before, or is too old." });
		else sendJson(response, 200, { token });
	}

	async #export({ flows, format }: Partial<ExportQuestion> = {}, response: ServerResponse): Promise<void> {
		const file = await exportTo(this.#tape, this.#api.chosen(flows), String(format));
		try {
			response.writeHead(200, { ...commonHeaders, ...attachmentHeaders(file.name), "X-Losses": String(file.losses) });
			await new Promise<void>((resolve, reject) => {
				createReadStream(file.path).on("error", reject).pipe(response).on("close", resolve).on("error", reject);
			});
		} finally {
			await file.remove();
		}
	}

	#stream(response: ServerResponse): void {
		if (this.#streams >= MAX_STREAMS) {
			sendJson(response, 429, {
				code: "FT_USAGE",
				message: `there are ${MAX_STREAMS} pages already`,
			} satisfies ApiError);
			return;
		}
		this.#streams++;
		response.writeHead(200, { ...commonHeaders, "Content-Type": "text/event-stream" });
		response.write(": connected\n\n");
		const write = (text: string) => {
			if (response.writableLength > MAX_WAITING) response.destroy();
			else response.write(text);
		};
		const unlisten = this.#api.listen((event: ViewerEvent) => write(`data: ${JSON.stringify(event)}\n\n`));
		const timer = setInterval(() => write(": idle\n\n"), KEEP_ALIVE_MS);
		timer.unref();
		response.on("close", () => {
			this.#streams--;
			clearInterval(timer);
			unlisten();
		});
	}
}

/** @throws FlowtapeError FT_USAGE if it is too large or not JSON */
async function bodyOf(request: IncomingMessage): Promise<unknown> {
	const pieces: Buffer[] = [];
	let length = 0;
	for await (const piece of request as AsyncIterable<Buffer>) {
		length += piece.length;
		if (length > MAX_BODY) throw new FlowtapeError("FT_USAGE", `the request is larger than ${MAX_BODY} bytes`);
		pieces.push(piece);
	}
	if (length === 0) return undefined;
	try {
		return JSON.parse(Buffer.concat(pieces).toString("utf8"));
	} catch (cause) {
		throw new FlowtapeError("FT_USAGE", "the request is not JSON", { cause });
	}
}

async function sendFile(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
	// browsers ask for an icon by themselves
	if (path === "/favicon.ico") return send(response, 204, "", {});
	const file = Object.hasOwn(FILES, path) ? FILES[path] : undefined;
	if (file === undefined) throw new NotFound();
	if (request.method !== "GET" && request.method !== "HEAD") throw new NotFound();
	const [name, type] = file;
	// relative to the bundle of the command
	const bytes = await readFile(fileURLToPath(new URL(`../viewer/${name}`, import.meta.url)));
	send(response, 200, bytes, { "Content-Type": type });
}

function send(response: ServerResponse, status: number, bytes: string | Buffer, headers: Record<string, string>): void {
	response.writeHead(status, { ...commonHeaders, ...headers, "Content-Length": Buffer.byteLength(bytes) }).end(bytes);
}

function sendJson(response: ServerResponse, status: number, value: object): void {
	send(response, status, JSON.stringify(value), { "Content-Type": "application/json" });
}

/** A refusal has no details; a wrong Host gets no body at all. */
function refuse(response: ServerResponse, { status, message }: Refusal): void {
	if (status === 421) send(response, status, "", { Connection: "close" });
	else sendJson(response, status, { code: "FT_USAGE", message } satisfies ApiError);
}

function sendError(response: ServerResponse, error: unknown): void {
	if (response.headersSent) {
		response.destroy();
		return;
	}
	if (error instanceof NotFound) {
		sendJson(response, 404, { code: "FT_USAGE", message: "there is no such part of the tape" } satisfies ApiError);
		return;
	}
	const { code, message, column } = FlowtapeError.is(error)
		? { code: error.code, message: error.message, column: error.column }
		: { code: "FT_INTERNAL", message: error instanceof Error ? error.message : String(error), column: undefined };
	const isWrong = FlowtapeError.is(error) && errorCodes[error.code].status === 2;
	const answer: ApiError = { code, message, ...(typeof column === "number" && { column }) };
	sendJson(response, isWrong ? 400 : 500, answer);
}
