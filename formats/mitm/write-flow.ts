// Writes a flow as a record of a dump, with exactly the keys and types that mitmproxy's loader requires.
import {
	type DnsFlow,
	type DnsMessage,
	type DnsQuestion,
	type DnsRecord,
	extensibleParts,
	type Flow,
	type HttpFlow,
	type StreamMessage,
	type WebSocketData,
} from "../../src/flow/flow.ts";
import type { Headers } from "../../src/flow/headers.ts";
import type { Message, Request, Response } from "../../src/flow/message.ts";
import type { Metadata, MetaValue } from "../../src/flow/metadata.ts";
import { OWN, ownFields } from "../own-fields.ts";
import { FieldWriter } from "./field-writer.ts";
import type { Target } from "./target.ts";
import { TAG } from "./tnetstring.ts";
import { writeClient, writeServer } from "./write-connection.ts";

/** Opcodes of RFC 6455 section 5.2. mitmproxy rejects files with others. */
const OPCODES = new Set([0, 1, 2, 8, 9, 10]);

const writer = new FieldWriter();

export interface RecordOptions {
	/** Default: the flow's own. */
	id?: string;
	/** Notes on the tape. */
	notes?: Metadata | null;
}

/** The bytes of the record; null if the version cannot store flows of this type. */
export function writeFlow(
	flow: Flow,
	target: Target,
	{ id = flow.id, notes = null }: RecordOptions = {},
): Buffer | null {
	if (!hasRoom(flow, target)) return null;
	const { version } = target;
	if (extensibleParts(flow).some((part) => part?.extra !== undefined)) target.reportLoss("unknown fields");
	// discard the partial record of a flow whose body could not be read
	writer.clear();
	// the writer writes backwards, so the last field comes first
	writer.dictionary(() => {
		if (flow.type === "http") writeHttp(flow, target);
		else if (flow.type === "dns") writeDnsFlow(flow);
		else writer.listField("messages", flow.messages, writeStreamMessage);
		if (version >= 20) writer.valueField("backup", flow.backup);
		else if (flow.backup !== null) target.reportLoss("the state of a flow before it was edited");
		if (version >= 16) writer.floatField("timestamp_created", flow.timestampCreated);
		else if (flow.timestampCreated !== startOf(flow)) target.reportLoss("the time at which a flow was created");
		writer.textField("comment", flow.comment);
		writer.valueField("metadata", metadataOf(flow, notes));
		writer.textField("marked", flow.marked);
		writer.textField("is_replay", flow.isReplay);
		writer.booleanField("intercepted", flow.intercepted);
		writer.dictionaryField("server_conn", flow.serverConn, (server) => writeServer(writer, server, target));
		writer.dictionaryField("client_conn", flow.clientConn, (client) => writeClient(writer, client, target));
		writer.dictionaryField("error", flow.error, (error) => {
			writer.floatField("timestamp", error.timestamp);
			writer.textField("msg", error.message);
		});
		writer.textField("id", id);
		writer.textField("type", flow.type);
		if (version === 15 && flow.type === "http") writer.textField("mode", "regular");
		writer.integerField("version", version);
	});
	return writer.takeBytes();
}

/** The metadata of a flow, with flowtape's own fields: other tools keep unknown metadata. */
function metadataOf(flow: Flow, notes: Metadata | null): MetaValue {
	const own = ownFields(flow);
	return own === null && notes === null
		? flow.metadata
		: { ...flow.metadata, [OWN]: { ...own, ...(notes && { notes }) } };
}

function hasRoom({ type }: Flow, { version, reportLoss }: Target): boolean {
	const isHeld = type === "udp" ? version >= 18 : type !== "dns" || version >= 17;
	if (!isHeld) reportLoss(`${type.toUpperCase()} flows`);
	return isHeld;
}

/** The creation time that readers assume if the version has none. */
function startOf(flow: Flow): number {
	return (flow.type === "http" ? flow.request.timestampStart : flow.clientConn.timestampStart) ?? 0;
}

function writeHttp({ request, response, websocket }: HttpFlow, target: Target): void {
	writer.dictionaryField("websocket", websocket, (data) => writeWebSocket(data, target));
	writer.dictionaryField("response", response, writeResponse);
	writer.dictionaryField("request", request, writeRequest);
}

function writeRequest(request: Request): void {
	writeMessage(request);
	writer.bytesField("path", request.path);
	writer.bytesField("authority", request.authority);
	writer.bytesField("scheme", request.scheme);
	writer.bytesField("method", request.method);
	writer.integerField("port", request.port);
	writer.textField("host", request.host);
}

function writeResponse(response: Response): void {
	writeMessage(response);
	writer.bytesField("reason", response.reason);
	writer.integerField("status_code", response.statusCode);
}

function writeMessage(message: Message): void {
	writer.floatField("timestamp_end", message.timestampEnd);
	writer.floatField("timestamp_start", message.timestampStart);
	headersField("trailers", message.trailers);
	writer.bytesField("content", message.rawContent);
	headersField("headers", message.headers);
	writer.bytesField("http_version", message.httpVersion);
}

function headersField(name: string, headers: Headers | null): void {
	if (headers === null) writer.null();
	else writeHeaders(headers);
	writer.name(name);
}

function writeHeaders({ fields }: Headers): void {
	const begun = writer.begin(TAG.list);
	for (let i = fields.length - 2; i >= 0; i -= 2) {
		const pair = writer.begin(TAG.list);
		writer.bytes(fields[i + 1] as string);
		writer.bytes(fields[i] as string);
		writer.end(pair);
	}
	writer.end(begun);
}

function writeWebSocket(websocket: WebSocketData, target: Target): void {
	const messages = websocket.messages.filter(({ opcode }) => OPCODES.has(opcode));
	if (messages.length < websocket.messages.length) target.reportLoss("WebSocket messages of an unknown opcode");
	writer.floatField("timestamp_end", websocket.timestampEnd);
	writer.textField("close_reason", websocket.closeReason);
	writer.integerField("close_code", websocket.closeCode);
	writer.booleanField("closed_by_client", websocket.closedByClient);
	writer.listField("messages", messages, (message) => {
		const begun = writer.begin(TAG.list);
		writer.boolean(message.injected);
		writer.boolean(message.dropped);
		writer.float(message.timestamp);
		writer.bytes(message.content);
		writer.boolean(message.fromClient);
		writer.integer(message.opcode);
		writer.end(begun);
	});
}

function writeStreamMessage(message: StreamMessage): void {
	const begun = writer.begin(TAG.list);
	writer.float(message.timestamp);
	writer.bytes(message.content);
	writer.boolean(message.fromClient);
	writer.end(begun);
}

function writeDnsFlow({ request, response }: DnsFlow): void {
	writer.dictionaryField("response", response, writeDns);
	writer.dictionaryField("request", request, writeDns);
}

function writeDns(message: DnsMessage): void {
	// releases up to 11.1 require a number
	writer.floatField("timestamp", message.timestamp ?? 0);
	writer.listField("additionals", message.additionals, writeRecord);
	writer.listField("authorities", message.authorities, writeRecord);
	writer.listField("answers", message.answers, writeRecord);
	writer.listField("questions", message.questions, (question) => writer.dictionary(() => writeQuestion(question)));
	writer.integerField("response_code", message.responseCode);
	writer.integerField("reserved", message.reserved);
	writer.booleanField("recursion_available", message.recursionAvailable);
	writer.booleanField("recursion_desired", message.recursionDesired);
	writer.booleanField("truncation", message.truncation);
	writer.booleanField("authoritative_answer", message.authoritativeAnswer);
	writer.integerField("op_code", message.opCode);
	writer.booleanField("query", message.query);
	writer.integerField("id", message.id);
}

function writeRecord(record: DnsRecord): void {
	writer.dictionary(() => {
		writer.bytesField("data", record.data);
		writer.integerField("ttl", record.ttl);
		writeQuestion(record);
	});
}

function writeQuestion(question: DnsQuestion): void {
	writer.integerField("class_", question.class);
	writer.integerField("type", question.type);
	writer.textField("name", question.name);
}

/** Whether a value contains bytes, which releases up to 9 cannot load in metadata. */
export function holdsBytes(value: MetaValue): boolean {
	if (value instanceof Uint8Array) return true;
	return typeof value === "object" && value !== null && Object.values(value).some(holdsBytes);
}
