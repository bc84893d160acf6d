// Buffer methods that @types/node leaves out: the fastest conversions between buffers and strings.
declare global {
	interface Buffer {
		latin1Slice(start?: number, end?: number): string;
		utf8Slice(start?: number, end?: number): string;
		latin1Write(text: string, offset?: number, length?: number): number;
	}
}

export {};
