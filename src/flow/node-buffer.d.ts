// Methods that every Node Buffer has and that @types/node leaves out: the shortest way between bytes and ByteStrings.
declare global {
	interface Buffer {
		latin1Slice(start?: number, end?: number): string;
		utf8Slice(start?: number, end?: number): string;
		latin1Write(text: string, offset?: number, length?: number): number;
	}
}

export {};
