// The filter: an input that keeps its own text, with completion of operators, errors and progress.
import { useEffect, useRef, useState } from "preact/hooks";
import { countText } from "./format.ts";
import type { FilterHelp } from "./protocol.ts";
import { filterError, go, place, set, tape } from "./state.ts";

/** How long the text rests before it is asked for, in milliseconds. */
const REST_MS = 150;

/** The operator that is being typed at the end of a text, such as `~d`. */
function typedOperator(text: string): string | null {
	return /~([a-z]*)$/i.exec(text)?.[1] ?? null;
}

export function FilterBar() {
	const [text, setText] = useState(place.value.q);
	const [chosen, setChosen] = useState(-1);
	const [isOpen, setOpen] = useState(false);
	const input = useRef<HTMLInputElement>(null);
	// the link has changed, but not by typing
	useEffect(() => {
		if (document.activeElement !== input.current) setText(place.value.q);
	}, [place.value.q]);
	useEffect(() => {
		const timer = setTimeout(() => go({ q: text.trim() }, place.value.q !== ""), REST_MS);
		return () => clearTimeout(timer);
	}, [text]);

	const typed = isOpen ? typedOperator(text) : null;
	const offers =
		typed === null ? [] : (tape.value?.operators ?? []).filter(({ code }) => code.startsWith(typed)).slice(0, 40);
	const accept = ({ code, argument }: FilterHelp) => {
		setText(`${text.replace(/~[a-z]*$/i, "")}~${code}${argument === "none" ? "" : " "}`);
		setChosen(-1);
		setOpen(false);
		input.current?.focus();
	};
	const onKeyDown = (event: KeyboardEvent) => {
		if (event.key === "Escape") {
			if (offers.length > 0) setOpen(false);
			else document.getElementById("list")?.focus();
		} else if (event.key === "ArrowDown" && offers.length > 0) setChosen((chosen + 1) % offers.length);
		else if (event.key === "ArrowUp" && offers.length > 0) setChosen((chosen + offers.length - 1) % offers.length);
		else if ((event.key === "Enter" || event.key === "Tab") && offers[chosen] !== undefined) accept(offers[chosen]);
		else if (event.key === "Enter") {
			go({ q: text.trim() });
			document.getElementById("list")?.focus();
		} else return;
		event.preventDefault();
	};
	const error = filterError.value;
	return (
		<search class="filter">
			<label for="filter">Filter</label>
			<div class="entry">
				<input
					id="filter"
					ref={input}
					role="combobox"
					aria-expanded={offers.length > 0}
					aria-controls="offers"
					aria-autocomplete="list"
					aria-activedescendant={offers[chosen] === undefined ? undefined : `offer-${chosen}`}
					aria-invalid={error !== null}
					aria-describedby="filter-state"
					autocomplete="off"
					spellcheck={false}
					placeholder="~c 500 & ~u api"
					value={text}
					onInput={(event) => {
						setText(event.currentTarget.value);
						setOpen(true);
						setChosen(-1);
					}}
					onBlur={() => setOpen(false)}
					onKeyDown={onKeyDown}
				/>
				{offers.length > 0 && (
					<ul id="offers" role="listbox" aria-label="Operators">
						{offers.map((offer, index) => (
							<li
								key={offer.code}
								id={`offer-${index}`}
								role="option"
								aria-selected={index === chosen}
								onMouseDown={(event) => {
									event.preventDefault();
									accept(offer);
								}}
							>
								<b>~{offer.code}</b> {offer.help}
							</li>
						))}
					</ul>
				)}
			</div>
			<FilterState />
		</search>
	);
}

function FilterState() {
	const error = filterError.value;
	const state = set.value;
	if (error !== null)
		return (
			<output id="filter-state" class="error">
				{error.message}
				{error.column !== undefined && ` (column ${error.column})`}
			</output>
		);
	if (state === null) return <output id="filter-state" />;
	const isLimited = place.value.q !== "" || place.value.time !== null;
	return (
		<output id="filter-state">
			{isLimited ? `${countText(state.total)} of ${countText(state.of)}` : `${countText(state.total)} flows`}
			{state.added > 0 && (
				<button type="button" onClick={() => go({ sort: "" })}>
					{countText(state.added)} new
				</button>
			)}
			{!state.isComplete && <progress aria-label="Searching" value={state.examined} max={Math.max(state.of, 1)} />}
		</output>
	);
}
