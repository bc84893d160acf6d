// Reads several sockets into one buffer. Node would allocate 64 KiB for each read, and shrink them to the bytes that
// arrived, which costs more than copying a small response.
import type { OnReadOpts } from "node:net";

/** Most bytes of one read. */
const READ_BYTES = 64 * 1024;

/** A read is complete before the next one begins, so all sockets can share it. */
const shared = Buffer.allocUnsafeSlow(READ_BYTES);

/**
 * The option `onread` of a new socket.
 * @param push adds bytes to the socket; returns whether it accepts more, as `Readable.push` does
 */
export function sharedReads(push: (bytes: Buffer) => boolean): { onread?: OnReadOpts } {
	// On Windows, the system fills the buffers of several sockets at the same time.
	if (process.platform === "win32") return {};
	let next = shared;
	return {
		onread: {
			buffer: () => next,
			callback: (size, buffer) => {
				const read = buffer.subarray(0, size) as Buffer;
				const isOwn = buffer !== shared;
				// More bytes of a large body follow: they get a buffer of their own, which need not be copied.
				next = size === READ_BYTES ? Buffer.allocUnsafeSlow(READ_BYTES) : shared;
				return push(isOwn && size > READ_BYTES / 2 ? read : Buffer.from(read));
			},
		},
	};
}
