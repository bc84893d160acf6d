// The state of the page: its place, the set in the list, the selection, and the events of the server.
import { batch, computed, effect, signal, untracked } from "@preact/signals";
import { Chunks } from "./chunks.ts";
import { ApiFailure, ask, follow } from "./client.ts";
import { formatPlace, type Place, parsePlace, TABS } from "./place.ts";
import type { EditAnswer, FlowDetails, Row, RowsAnswer, SetState, TapeInfo, ViewerEvent } from "./protocol.ts";

/** The state that a link carries. */
export const place = signal<Place>(parsePlace(location.hash));
/** null: not loaded yet. */
export const tape = signal<TapeInfo | null>(null);
/** The set in the list; null: not asked for yet. */
export const set = signal<SetState | null>(null);
/** The error of the filter; null: there is none. */
export const filterError = signal<{ readonly message: string; readonly column: number | undefined } | null>(null);
/** The open flow; null: none, or not loaded yet. */
export const details = signal<FlowDetails | null>(null);
/** The row of the list that has the cursor. */
export const cursor = signal(0);
/** Selected flows, by sequence number. */
export const selection = signal<ReadonlySet<number>>(new Set());
/** Whether the list stays at its end while flows are appended. */
export const isFollowing = signal(false);
/** Flows that were appended since the list was last at its end. */
export const unseen = signal(0);
export const isConnected = signal(true);
/** The last message for people; empty: none. */
export const notice = signal("");
/** Changes when rows were fetched. */
export const rowsVersion = signal(0);
/** Changes with every edit. */
const revision = signal(0);

export const total = computed(() => set.value?.total ?? 0);

let chunks = chunksOf(null);
/** The question of the set in the list. */
let asked = "";
/** Whether the cursor has its place in the set. */
let isPlaced = false;
/** Ends requests of an earlier question. */
let asking = new AbortController();

function chunksOf(id: number | null): Chunks<Row> {
	return new Chunks(
		async (from, count) => {
			if (id === null) return [];
			return (await ask<RowsAnswer>(`sets/${id}/rows?from=${from}&count=${count}`)).rows;
		},
		() => rowsVersion.value++,
	);
}

/** A row of the list; undefined: it was not fetched yet. */
export function rowAt(index: number): Row | undefined {
	return chunks.at(index);
}

/** Fetches rows unless they are there. */
export function wantRows(from: number, count: number): void {
	chunks.want(from, count);
}

/** Changes the place. `replaces`: without a new entry in the history. */
export function go(change: Partial<Place>, replaces = false): void {
	const next = { ...place.value, ...change };
	const text = formatPlace(next);
	if (text === formatPlace(place.value)) return;
	if (replaces) history.replaceState(null, "", text);
	else history.pushState(null, "", text);
	place.value = next;
}

/** Tells people something, for a screen reader too. */
export function say(message: string): void {
	notice.value = message;
}

/** Runs an action and says why it failed. */
export async function attempt(action: () => Promise<unknown>): Promise<void> {
	try {
		await action();
	} catch (error) {
		say(error instanceof Error ? error.message : String(error));
	}
}

async function loadSet(): Promise<void> {
	const { q, sort, time } = place.value;
	asking.abort();
	asking = new AbortController();
	const { signal: aborted } = asking;
	try {
		const body = { filter: q, sort, ...(time !== null && { time }) };
		const state = await ask<SetState>("sets", { method: "POST", body, signal: aborted });
		const fresh = chunksOf(state.set);
		const question = JSON.stringify(body);
		const isSame = question === asked;
		// after an edit, the rows stay in sight until the new ones are there
		if (isSame) await fresh.prepareFor(chunks);
		if (aborted.aborted) return;
		chunks.end();
		chunks = fresh;
		asked = question;
		batch(() => {
			filterError.value = null;
			set.value = state;
			cursor.value = isSame ? Math.min(cursor.value, Math.max(state.total - 1, 0)) : 0;
			unseen.value = 0;
			rowsVersion.value++;
		});
		// after an edit, the cursor stays where it is
		isPlaced = isSame;
		await placeCursor(state.set);
	} catch (error) {
		if (aborted.aborted) return;
		if (error instanceof ApiFailure && error.status === 400)
			filterError.value = { message: error.message, column: error.column };
		else say(error instanceof Error ? error.message : String(error));
	}
}

/** Puts the cursor on the open flow, if it is in the set. */
async function placeCursor(id: number): Promise<void> {
	const { seq } = place.value;
	if (seq === null || isPlaced) return;
	const { place: found } = await ask<{ place: number | null }>(`sets/${id}/place?seq=${seq}`);
	if (found === null || set.value?.set !== id) return;
	cursor.value = found;
	isPlaced = true;
}

async function loadDetails(): Promise<void> {
	const { seq } = place.value;
	if (seq === null) {
		details.value = null;
		return;
	}
	try {
		const loaded = await ask<FlowDetails>(`flows/${seq}`);
		if (place.value.seq === seq) details.value = loaded;
	} catch (error) {
		details.value = null;
		say(error instanceof Error ? error.message : String(error));
	}
}

function onEvent(event: ViewerEvent): void {
	switch (event.type) {
		case "set":
			update(event.state);
			break;
		case "appended": {
			if (tape.value !== null) tape.value = { ...tape.value, total: event.total };
			for (const state of event.sets) update(state);
			break;
		}
		case "changed":
			revision.value = event.revision;
			break;
		case "trouble":
			say(event.message);
			break;
	}
}

function update(state: SetState): void {
	const before = set.value;
	if (before === null || before.set !== state.set) return;
	// the last chunk may have had fewer rows
	if (state.total !== before.total || (state.isComplete && !before.isComplete))
		chunks.forgetFrom(state.isComplete && !before.isComplete && place.value.sort !== "" ? 0 : before.total);
	batch(() => {
		set.value = state;
		rowsVersion.value++;
		if (before.isComplete && !isFollowing.value) unseen.value += state.total - before.total;
	});
	if (!before.isComplete && state.isComplete) void placeCursor(state.set);
}

/** Opens the flow at a row. */
export function openRow(index: number): void {
	const row = rowAt(index);
	cursor.value = index;
	if (row !== undefined) go({ seq: row[0] as number, other: null }, place.value.seq !== null);
}

/** Moves the cursor, and opens the flow there if a flow is open. */
export function moveTo(index: number): void {
	const next = Math.max(0, Math.min(index, total.value - 1));
	cursor.value = next;
	if (place.value.seq !== null) openRow(next);
}

/** The flows that an action is for: the selected ones, or the one at the cursor. */
export function chosen(): number[] {
	if (selection.value.size > 0) return [...selection.value];
	const row = rowAt(cursor.value);
	return row === undefined ? [] : [row[0] as number];
}

/** Marks flows or sets their comment. */
export async function edit(change: { marked?: string; comment?: string }, flows = chosen()): Promise<void> {
	const answer = await ask<EditAnswer>("flows", { method: "PATCH", body: { flows, ...change } });
	say(answer.changed === 1 ? "1 flow changed" : `${answer.changed} flows changed`);
}

export async function undo(): Promise<void> {
	const answer = await ask<EditAnswer>("undo", { method: "POST", body: {} });
	say(answer.changed === 0 ? "There is nothing to undo." : `Undone: ${answer.changed} flows changed`);
}

/** Moves to the next tab, or back. */
export function moveTab(by: number): void {
	const index = TABS.indexOf(place.value.tab);
	const next = TABS[(index + by + TABS.length) % TABS.length];
	if (next !== undefined) go({ tab: next }, true);
}

/** Loads the tape, and keeps the state up to date. */
export async function start(): Promise<void> {
	window.addEventListener("popstate", () => {
		place.value = parsePlace(location.hash);
	});
	tape.value = await ask<TapeInfo>("tape");
	document.title = `${tape.value.names.join(", ")} – flowtape`;
	const question = computed(() => JSON.stringify([place.value.q, place.value.sort, place.value.time, revision.value]));
	const flow = computed(() => JSON.stringify([place.value.seq, revision.value]));
	effect(() => {
		question.value;
		void untracked(loadSet);
	});
	effect(() => {
		flow.value;
		void untracked(loadDetails);
	});
	void follow(onEvent, (isThere) => {
		isConnected.value = isThere;
	});
}
