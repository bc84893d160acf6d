// Finds the loopback servers of a command's own processes: in /proc on Linux, and by the claims of Node processes on
// other systems.
import { randomUUID } from "node:crypto";
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from "node:fs";
import { endianness } from "node:os";
import { groupBy } from "../flow/group-by.ts";

/** A listening socket in /proc/net/tcp or /proc/net/tcp6. */
interface Listener {
	/** Bytes of the address in network order: 4 or 16. */
	readonly address: Buffer;
	readonly inode: string;
}

const MAPPED = Buffer.from("00000000000000000000ffff", "hex");
const LOOPBACK_V4 = Buffer.from([127, 0, 0, 1]);
const LOOPBACK_V6 = Buffer.concat([Buffer.alloc(15), Buffer.from([1])]);

/** Most servers in the cache. */
const REMEMBERED = 1000;

/**
 * A server that was found. The entry is valid as long as this descriptor of a process refers to the server's socket.
 */
interface Found {
	/** Path of the descriptor in /proc. */
	readonly descriptor: string;
	/** The target of that symbolic link: `socket:[INODE]`. */
	readonly link: string;
	/** A loopback address; null: the server is not the command's. */
	readonly address: string | null;
}

export class OwnServers {
	/** A secret in the command's environment. A claim with this token comes from the command. */
	readonly token = randomUUID();
	#root: number | null = null;
	/** A cache by host and port, as finding a server takes milliseconds. */
	readonly #found = new Map<string, Found>();

	/** Sets the command's process id. Call once it runs. */
	follow(pid: number): void {
		this.#root = pid;
	}

	/**
	 * The address of the server that a connection to this loopback host would reach, if a process in the command's tree
	 * runs it; null: none. Call for every connection, because another process may take over a port.
	 * @param claim a Node process's token and address, with a space between them; used only on systems other than Linux
	 */
	addressOf(host: string, port: number, claim: string | null): string | null {
		if (this.#root === null) return null;
		if (process.platform !== "linux") return this.#claimed(claim);
		const key = `${host} ${port}`;
		const before = this.#found.get(key);
		if (before !== undefined && linkOf(before.descriptor) === before.link) return before.address;
		const found = findServer(host, port, this.#root);
		if (this.#found.size >= REMEMBERED) this.#found.clear();
		if (found !== null) this.#found.set(key, found);
		return found?.address ?? null;
	}

	#claimed(claim: string | null): string | null {
		const [token, address = ""] = claim?.split(" ") ?? [];
		return token === this.token && /^(?:127(?:\.\d{1,3}){3}|::1)$/.test(address) ? address : null;
	}
}

/**
 * The server that a connection to a host would reach; null: there is none, or its process is not visible to this user.
 */
function findServer(host: string, port: number, root: number): Found | null {
	const targets = addressesOf(host);
	const listeners = listenersAt(targets, port);
	if (listeners.length === 0) return null;
	const tree = treeOf(root);
	for (const listener of listeners) {
		const found = holderOf(listener, tree);
		if (found !== null) return { ...found, address: reachable(targets, listener) };
	}
	const foreign = holderOf(listeners[0] as Listener, processes());
	return foreign && { ...foreign, address: null };
}

/** The first descriptor in these processes that refers to the socket. */
function holderOf({ inode }: Listener, pids: readonly number[]): Pick<Found, "descriptor" | "link"> | null {
	const link = `socket:[${inode}]`;
	for (const pid of pids) {
		const descriptor = descriptorsOf(pid).find((path) => linkOf(path) === link);
		if (descriptor !== undefined) return { descriptor, link };
	}
	return null;
}

/**
 * The loopback address at which a listener can be reached: its own address, or a target's if it is bound to every
 * address.
 */
function reachable(targets: readonly Buffer[], { address }: Listener): string {
	const isAny = address.every((byte) => byte === 0);
	const [only, ...others] = targets;
	const found = !isAny || only === undefined ? unmapped(address) : others.length === 0 ? only : loopbackLike(address);
	return found.length === 4 ? found.join(".") : "::1";
}

function loopbackLike({ length }: Buffer): Buffer {
	return length === 4 ? LOOPBACK_V4 : LOOPBACK_V6;
}

/** The sockets that accept connections to an address: those bound to it, or else those bound to every address. */
function listenersAt(targets: readonly Buffer[], port: number): Listener[] {
	const listeners = [...listening("/proc/net/tcp", port), ...listening("/proc/net/tcp6", port)];
	const exact = listeners.filter(({ address }) => targets.some((target) => unmapped(address).equals(target)));
	if (exact.length > 0) return exact;
	return listeners.filter(
		({ address }) =>
			address.every((byte) => byte === 0) && (address.length === 16 || targets.some(({ length }) => length === 4)),
	);
}

/** @param host a loopback address or a name for it, without brackets */
function addressesOf(host: string): Buffer[] {
	if (host === "0.0.0.0") return [LOOPBACK_V4];
	if (/^\d+(?:\.\d+){3}$/.test(host)) return [Buffer.from(host.split(".").map(Number))];
	const mapped = /^::ffff:(\d+(?:\.\d+){3})$/i.exec(host)?.[1];
	if (mapped !== undefined) return addressesOf(mapped);
	return host.includes(":") ? [LOOPBACK_V6] : [LOOPBACK_V4, LOOPBACK_V6];
}

function unmapped(address: Buffer): Buffer {
	return address.length === 16 && address.subarray(0, 12).equals(MAPPED) ? address.subarray(12) : address;
}

/** A line of /proc/net/tcp: number, local address and port, remote ones, state, …, user, timeout, inode. */
const LINE = /^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) \S+ ([0-9A-F]{2}) \S+ \S+ \S+ +\d+ +\d+ (\d+)/;
const LISTEN = "0A";

function* listening(file: string, port: number): Generator<Listener> {
	for (const line of firstLines(file)) {
		const [, address = "", localPort = "", state, inode = ""] = LINE.exec(line) ?? [];
		// The kernel lists listening sockets first.
		if (state !== undefined && state !== LISTEN) return;
		if (Number.parseInt(localPort, 16) === port) yield { address: networkOrder(address), inode };
	}
}

/** The kernel prints an address as 32-bit words in the machine's byte order. */
function networkOrder(hex: string): Buffer {
	const bytes = Buffer.from(hex, "hex");
	return endianness() === "LE" ? bytes.swap32() : bytes;
}

/** The lines of a file, read on demand because the file may be long. None if the file cannot be opened. */
function* firstLines(file: string): Generator<string> {
	let descriptor: number;
	try {
		descriptor = openSync(file, "r");
	} catch {
		return;
	}
	try {
		const chunk = Buffer.alloc(16 * 1024);
		let rest = "";
		for (;;) {
			const size = readSync(descriptor, chunk);
			if (size === 0) return;
			const lines = (rest + chunk.latin1Slice(0, size)).split("\n");
			rest = lines.pop() ?? "";
			yield* lines;
		}
	} finally {
		closeSync(descriptor);
	}
}

function processes(): number[] {
	return readdirSync("/proc").map(Number).filter(Number.isInteger);
}

/**
 * The ids of a process and its descendants. A process whose parent has ended is not found: the kernel gives it another
 * parent.
 */
function treeOf(root: number): number[] {
	const children = groupBy(processes(), parentOf);
	const tree = [root];
	for (const pid of tree) tree.push(...(children.get(pid) ?? []));
	return tree;
}

/** The id of the parent process; null: the process has ended. */
function parentOf(pid: number): number | null {
	const status = textOf(`/proc/${pid}/stat`);
	// The program's name before it, in parentheses, may contain any characters.
	const parent = /^ \S (\d+)/.exec(status.slice(status.lastIndexOf(")") + 1))?.[1];
	return parent === undefined ? null : Number(parent);
}

function textOf(file: string): string {
	try {
		return readFileSync(file, "latin1");
	} catch {
		return "";
	}
}

/** The paths of the descriptors of a process; none if the process has ended or belongs to another user. */
function descriptorsOf(pid: number): string[] {
	const folder = `/proc/${pid}/fd`;
	try {
		return readdirSync(folder).map((name) => `${folder}/${name}`);
	} catch {
		return [];
	}
}

function linkOf(path: string): string {
	try {
		return readlinkSync(path);
	} catch {
		return "";
	}
}
