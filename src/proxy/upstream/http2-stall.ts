// Detects HTTP/2 connections on which nghttp2 has stopped reading after an error, which Node does not report.
import type { ClientHttp2Session } from "node:http2";
import type { Socket } from "node:net";

/** How often to check whether the first frame was SETTINGS. Milliseconds. */
const SETTINGS_CHECK_MS = 100;
/** The size of a frame header. Bytes. */
const FRAME_BYTES = 9;
/** How often to check whether the session still reads. Milliseconds. */
const STALL_CHECK_MS = 500;

/** Ends the connection because of an invalid frame. */
type Fail = (reason: string) => void;

/**
 * After a first frame with an invalid length (RFC 9113 section 6.5), nghttp2 sends GOAWAY and stops reading. Node 20
 * does not report that: without this check, requests would wait until a timeout.
 */
export function detectInvalidSettings(session: ClientHttp2Session, socket: Socket, fail: Fail): void {
	let looks = 0;
	const timer = setInterval(() => {
		if (socket.bytesRead >= FRAME_BYTES && ++looks >= 2) fail("its SETTINGS frame is invalid");
	}, SETTINGS_CHECK_MS).unref();
	const stop = () => clearInterval(timer);
	session.once("remoteSettings", stop).once("close", stop);
}

/**
 * After a connection error (fields of more than 64 KiB, invalid HPACK or length), nghttp2 sends GOAWAY and stops
 * reading. Node does not report that, and all streams would wait for ever if the server keeps the connection open.
 * nghttp2 also stops sending, so a PING that stays in the queue reveals the error. A PING is sent when data has arrived
 * and no more follows. No PING is sent while a request is being sent: the PING could be delayed for other reasons, and
 * gRPC servers treat PINGs as an attack.
 * @param isWaiting whether all requests were sent, and a response is still to come
 */
export function detectStall(session: ClientHttp2Session, socket: Socket, isWaiting: () => boolean, fail: Fail): void {
	let lastRead = 0;
	let soundAt = 0;
	let writtenAtPing: number | null = null;
	const look = () => {
		const { bytesRead, bytesWritten } = socket;
		if (writtenAtPing === bytesWritten && (session.state.outboundQueueSize ?? 0) > 0)
			return fail("it sent an invalid frame");
		writtenAtPing = null;
		const isLull = bytesRead === lastRead;
		lastRead = bytesRead;
		if (!isLull || bytesRead === soundAt || !isWaiting()) return;
		writtenAtPing = bytesWritten;
		soundAt = bytesRead;
		session.ping(() => {
			soundAt = socket.bytesRead;
		});
	};
	const timer = setInterval(look, STALL_CHECK_MS).unref();
	session.once("close", () => clearInterval(timer));
}
