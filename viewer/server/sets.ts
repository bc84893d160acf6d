// Sets of flows: the answers to questions of the page, found in slices so that the server stays responsive.
import type { Filter } from "../../src/filter/filter.ts";
import type { FlowTable, OrderColumn } from "../../src/store/sqlite/table.ts";
import type { SetState } from "../page/protocol.ts";

/** Time for one slice of a search, in milliseconds. */
const SLICE_MS = 20;
/** Sets that are kept; the one that was used longest ago is dropped. */
const MAX_SETS = 8;

/** A question, compiled. */
export interface Question {
	/** Equal questions have equal texts. */
	readonly text: string;
	readonly filter: Filter | undefined;
	readonly order: { readonly column: OrderColumn; readonly isDescending: boolean } | null;
	/** Seconds since 1970. */
	readonly time: readonly [from: number, to: number] | null;
}

/** Sequence numbers in a growing array. */
class Numbers {
	#list = new Uint32Array(1024);
	length = 0;

	push(numbers: readonly number[]): void {
		const length = this.length + numbers.length;
		if (length > this.#list.length) {
			const larger = new Uint32Array(Math.max(length, this.#list.length * 2));
			larger.set(this.#list);
			this.#list = larger;
		}
		this.#list.set(numbers, this.length);
		this.length = length;
	}

	slice(from = 0, to = this.length): number[] {
		return Array.from(this.#list.subarray(from, Math.min(to, this.length)));
	}

	indexOf(number: number): number {
		return this.#list.subarray(0, this.length).indexOf(number);
	}

	/** Sorts by an order of all numbers. */
	sortBy(order: readonly number[]): void {
		const members = new Set(this.slice());
		const sorted = order.filter((number) => members.has(number));
		this.length = 0;
		this.push(sorted);
	}
}

export class FlowSet {
	readonly id: number;
	readonly question: Question;
	readonly #table: FlowTable;
	/** null: all flows in tape order, which need no list. */
	readonly #numbers: Numbers | null;
	readonly #onChange: (set: FlowSet) => void;
	#examined = 0;
	#of: number;
	/** The highest number that was examined. */
	#last = 0;
	#added = 0;
	#isComplete = false;
	#isDropped = false;

	constructor(id: number, question: Question, table: FlowTable, onChange: (set: FlowSet) => void) {
		this.id = id;
		this.question = question;
		this.#table = table;
		this.#onChange = onChange;
		const { count, last } = table.extent();
		this.#of = count;
		const isEverything = question.filter === undefined && question.order === null && question.time === null;
		this.#numbers = isEverything ? null : new Numbers();
		if (!isEverything) return;
		this.#isComplete = true;
		this.#last = last;
		this.#examined = count;
	}

	/** Finds the flows; resolves when all were examined, or the set was dropped. @throws FlowtapeError FT_STORE */
	async build(): Promise<void> {
		const numbers = this.#numbers;
		if (numbers === null) return;
		const { last } = this.#table.extent();
		let sliceEnd = performance.now() + SLICE_MS;
		for (const batch of this.#matching(0, last)) {
			numbers.push(batch);
			this.#examined = Math.max(this.#examined, Math.min(batch.at(-1) ?? 0, this.#of));
			if (performance.now() < sliceEnd) continue;
			this.#onChange(this);
			await new Promise((resolve) => setImmediate(resolve));
			if (this.#isDropped) return;
			sliceEnd = performance.now() + SLICE_MS;
		}
		const { order } = this.question;
		if (order !== null) numbers.sortBy(this.#table.numbersBy(order.column, order.isDescending));
		this.#last = last;
		this.#examined = this.#of;
		this.#isComplete = true;
		this.#onChange(this);
	}

	/** Tests the flows that were appended. Returns whether the set changed. */
	extend(): boolean {
		if (!this.#isComplete) return false;
		const { count, last } = this.#table.extent();
		if (last <= this.#last) return false;
		let found = 0;
		if (this.#numbers === null) found = count - this.#of;
		else
			for (const batch of this.#matching(this.#last, last)) {
				found += batch.length;
				if (this.question.order === null) this.#numbers.push(batch);
				else this.#added += batch.length;
			}
		this.#of = count;
		this.#examined = count;
		this.#last = last;
		return found > 0;
	}

	*#matching(after: number, last: number): Generator<number[]> {
		const { filter, time } = this.question;
		const inTime = time === null ? null : new Set(this.#table.within(...time));
		for (const batch of this.#table.matching(filter, after))
			yield batch.filter((seq) => seq <= last && inTime?.has(seq) !== false);
	}

	/** The sequence numbers of the flows at these places. */
	page(from: number, count: number): number[] {
		return this.#numbers === null ? this.#table.page(from, count) : this.#numbers.slice(from, from + count);
	}

	/** The place of a flow; null: it is not in the set. */
	placeOf(seq: number): number | null {
		if (this.#numbers === null) return this.#table.placeOf(seq);
		const place = this.#numbers.indexOf(seq);
		return place < 0 ? null : place;
	}

	/** All sequence numbers; null: all flows of the tape. */
	numbers(): number[] | null {
		return this.#numbers === null ? null : this.#numbers.slice();
	}

	state(): SetState {
		return {
			set: this.id,
			total: this.#numbers === null ? this.#of : this.#numbers.length,
			isComplete: this.#isComplete,
			examined: this.#examined,
			of: this.#of,
			added: this.#added,
		};
	}

	drop(): void {
		this.#isDropped = true;
	}
}

/** The sets in use; the one that was used last is at the end. */
export class FlowSets {
	readonly #table: FlowTable;
	readonly #onChange: (set: FlowSet) => void;
	readonly #sets = new Map<number, FlowSet>();
	#next = 1;

	constructor(table: FlowTable, onChange: (set: FlowSet) => void) {
		this.#table = table;
		this.#onChange = onChange;
	}

	/** The set that answers a question: one that exists, or a new one, which is still being built. */
	ask(question: Question, onFailure: (error: unknown) => void): FlowSet {
		for (const set of this.#sets.values())
			if (set.question.text === question.text && set.state().added === 0) return this.#used(set);
		const set = new FlowSet(this.#next++, question, this.#table, this.#onChange);
		this.#sets.set(set.id, set);
		for (const old of this.#sets.values()) {
			if (this.#sets.size <= MAX_SETS) break;
			this.drop(old);
		}
		set.build().catch(onFailure);
		return set;
	}

	get(id: number): FlowSet | undefined {
		const set = this.#sets.get(id);
		return set === undefined ? undefined : this.#used(set);
	}

	/** Ends the search of a set and forgets it. */
	drop(set: FlowSet): void {
		set.drop();
		this.#sets.delete(set.id);
	}

	/** Drops all sets: after an edit, other flows may match. */
	clear(): void {
		for (const set of this.#sets.values()) this.drop(set);
	}

	/** Tests appended flows against every set; returns those that changed. */
	extend(): FlowSet[] {
		return [...this.#sets.values()].filter((set) => set.extend());
	}

	#used(set: FlowSet): FlowSet {
		this.#sets.delete(set.id);
		this.#sets.set(set.id, set);
		return set;
	}
}
