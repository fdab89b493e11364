/**
 * `<mask-builder>`: what `F.band_part` makes of a matrix of −∞, and what each query may then see.
 *
 * It needs no data. The sizes and the two limits can be chosen freely, wrong ones too: it says in words what is wrong.
 */
(function () {
    "use strict";

    const {
        CourseWidget,
        bandPart,
        causalMask,
        define,
        element,
        formatNumber,
        listRuns,
        scroller,
        selectField,
        uniqueId,
    } = window.course;

    const LONGEST = 10;
    const MOST_CACHED = 6;
    const NONE = "None";

    // Settings worth looking at; `row` is the query that is chosen then.
    const PRESETS = [
        {
            name: "causal, no cache",
            settings: { sequenceLength: 5, numTokens: 0, numLower: null, numUpper: 0, exclude: true, row: 2 },
        },
        {
            name: "causal with a cache",
            settings: { sequenceLength: 4, numTokens: 3, numLower: null, numUpper: 3, exclude: true, row: 1 },
        },
        {
            name: "the trap",
            settings: { sequenceLength: 4, numTokens: 3, numLower: null, numUpper: 0, exclude: true, row: 1 },
        },
        {
            name: "sliding window",
            settings: { sequenceLength: 6, numTokens: 0, numLower: 2, numUpper: 0, exclude: true, row: 4 },
        },
    ];

    class MaskBuilder extends CourseWidget {
        get label() {
            return "Mask builder";
        }

        hasData() {
            return true;
        }

        /** Makes the parts of the page; `update` fills them. */
        build() {
            this.state = { ...PRESETS[0].settings };
            return [this.buildPresets(), this.buildSettings(), ...this.buildResult()];
        }

        buildPresets() {
            this.presetButtons = PRESETS.map(({ name, settings }) =>
                element("button", { type: "button", onclick: () => this.change({ ...settings }) }, name),
            );
            return element(
                "div",
                { class: "buttons controls", role: "group", "aria-label": "Examples" },
                ...this.presetButtons,
            );
        }

        buildSettings() {
            const numbers = (from, to) =>
                Array.from({ length: to - from + 1 }, (_, n) => ({ value: `${from + n}`, text: `${from + n}` }));
            const limits = [{ value: NONE, text: NONE }, ...numbers(0, LONGEST + MOST_CACHED - 1)];
            const limit = (value) => (value === NONE ? null : Number(value));
            this.selects = {
                sequenceLength: selectField("sequence_length", numbers(1, LONGEST), (value) =>
                    this.change({ sequenceLength: Number(value) }),
                ),
                numTokens: selectField("num_tokens (cached)", numbers(0, MOST_CACHED), (value) =>
                    this.change({ numTokens: Number(value) }),
                ),
                numLower: selectField("num_lower", limits, (value) => this.change({ numLower: limit(value) })),
                numUpper: selectField("num_upper", limits, (value) => this.change({ numUpper: limit(value) })),
            };
            this.exclude = element("input", {
                type: "checkbox",
                onchange: () => this.change({ exclude: this.exclude.checked }),
            });
            return element(
                "div",
                { class: "fields controls" },
                ...Object.values(this.selects).map(({ field }) => field),
                element("div", { class: "field" }, element("label", { class: "check" }, this.exclude, " exclude")),
            );
        }

        buildResult() {
            const titleId = uniqueId("mask");
            this.rowGroup = uniqueId("row");
            this.call = element("code");
            this.heading = element("p", { class: "title", id: titleId });
            this.table = element("table", {
                class: "mask",
                "aria-labelledby": titleId,
                onclick: (event) => {
                    const row = event.target.closest("tbody tr");
                    if (row && !event.target.closest("label")) {
                        this.change({ row: Number(row.dataset.query) });
                    }
                },
            });
            this.sentence = element("p", { class: "sentence" });
            this.verdict = element("p", { class: "verdict" });
            return [
                element("pre", { class: "call" }, this.call),
                this.heading,
                scroller(titleId, this.table),
                this.sentence,
                this.verdict,
            ];
        }

        change(settings) {
            Object.assign(this.state, settings);
            this.update();
            const changesRowOnly = Object.keys(settings).join() === "row";
            this.announce(changesRowOnly ? this.describeRow() : `${this.verdict.textContent} ${this.describeRow()}`);
        }

        update() {
            const { state } = this;
            state.row = Math.min(state.row, state.sequenceLength - 1);
            this.mask = bandPart(state.sequenceLength, state.sequenceLength + state.numTokens, {
                ...state,
                value: -Infinity,
            });
            for (const [name, { select }] of Object.entries(this.selects)) {
                select.value = state[name] === null ? NONE : `${state[name]}`;
            }
            this.exclude.checked = state.exclude;
            for (const [index, button] of this.presetButtons.entries()) {
                const { row, ...settings } = PRESETS[index].settings;
                const isOn = Object.entries(settings).every(([name, value]) => state[name] === value);
                button.setAttribute("aria-pressed", `${isOn}`);
            }
            const limit = (value) => (value === null ? NONE : `${value}`);
            this.call.textContent =
                `F.band_part(mask, num_lower=${limit(state.numLower)}, num_upper=${limit(state.numUpper)}, ` +
                `exclude=${state.exclude ? "True" : "False"})`;
            this.heading.textContent =
                `The result has the shape (${state.sequenceLength}, ${state.sequenceLength + state.numTokens}): ` +
                "a row for each query, a column for each key. 0 may be seen, −∞ is hidden.";
            this.fillTable();
            this.sentence.textContent = this.describeRow();
            this.verdict.textContent = this.describeMask();
        }

        fillTable() {
            const { sequenceLength, numTokens, row: chosen } = this.state;
            // The radio button that has the focus is created again: the new one gets it back.
            const hadFocus = this.table.contains(document.activeElement);
            const columns = Array.from({ length: sequenceLength + numTokens }, (_, j) => j);
            const groups = [
                [numTokens, "cached keys"],
                [sequenceLength, numTokens ? "new keys" : "keys"],
            ].filter(([count]) => count > 0);
            const cached = (j) => (j < numTokens ? "cached" : null);
            this.table.replaceChildren(
                element(
                    "thead",
                    {},
                    element(
                        "tr",
                        {},
                        element("td", {}),
                        ...groups.map(([count, name]) =>
                            element(
                                "th",
                                {
                                    scope: "colgroup",
                                    colspan: count,
                                    class: name === "cached keys" ? "cached group" : "group",
                                },
                                name,
                            ),
                        ),
                    ),
                    element(
                        "tr",
                        {},
                        element("td", {}, "query at position"),
                        ...columns.map((j) => element("th", { scope: "col", class: cached(j) }, `${j}`)),
                    ),
                ),
                element(
                    "tbody",
                    {},
                    ...this.mask.map((row, i) =>
                        element(
                            "tr",
                            { "data-query": i, "aria-current": i === chosen ? "true" : null },
                            element("th", { scope: "row" }, this.rowChoice(i)),
                            ...row.map((value, j) =>
                                element(
                                    "td",
                                    {
                                        "data-value": value,
                                        class: [value === 0 ? "seen" : "masked", cached(j)].filter(Boolean).join(" "),
                                    },
                                    formatNumber(value, 0),
                                ),
                            ),
                        ),
                    ),
                ),
            );
            if (hadFocus) {
                this.table.querySelector("input:checked").focus();
            }
        }

        rowChoice(i) {
            const radio = element("input", {
                type: "radio",
                name: this.rowGroup,
                value: `${i}`,
                onchange: () => this.change({ row: i }),
            });
            radio.checked = i === this.state.row;
            return element("label", {}, radio, ` ${i} at ${this.state.numTokens + i}`);
        }

        /** What the query of the chosen row may see, as a sentence. */
        describeRow() {
            const { row, numTokens } = this.state;
            const keys = (wanted) => this.mask[row].flatMap((value, j) => ((value === 0) === wanted ? [j] : []));
            const seen = keys(true);
            const hidden = keys(false);
            const place = `Query ${row} is at position ${numTokens + row}.`;
            if (!seen.length) {
                return `${place} It may see no key at all.`;
            }
            const rest = hidden.length ? `, and not ${keysNamed(hidden)}` : ", all there are";
            return `${place} It may see ${keysNamed(seen)}${rest}.`;
        }

        /** What the mask as a whole is good for, in sentences. */
        describeMask() {
            const { sequenceLength, numTokens, numLower, numUpper, exclude } = this.state;
            const columns = sequenceLength + numTokens;
            const rowsWhere = (test) => this.mask.flatMap((row, i) => (test(row, i) ? [i] : []));
            const blind = rowsWhere((row) => !row.includes(0));
            const seeLater = rowsWhere((row, i) => row.some((value, j) => j > numTokens + i && value === 0));
            const missEarlier = rowsWhere((row, i) => row.some((value, j) => j <= numTokens + i && value !== 0));
            const sentences = [];

            if (isEqual(this.mask, causalMask(sequenceLength, numTokens))) {
                sentences.push(
                    "This is the causal mask of step 02: every query sees its own position and all before it.",
                );
            } else if (exclude && numLower !== null && numUpper === numTokens) {
                const before = numLower + numTokens;
                sentences.push(
                    `This is a sliding window: every query sees its own position and at most ${before} before it.`,
                );
            } else {
                sentences.push("This is not the causal mask of step 02.");
                if (seeLater.length) {
                    sentences.push(`The future shows: ${queries(seeLater, "see", "sees")} later keys.`);
                }
                if (missEarlier.length) {
                    const who = queries(missEarlier, "do not see", "does not see");
                    const whose = missEarlier.length > 1 ? "their" : "its";
                    sentences.push(`The past is hidden: ${who} all keys up to ${whose} own position.`);
                }
                if (exclude && numLower === null && numUpper === 0 && numTokens > 0) {
                    const shift = `the diagonal has to move right by ${numTokens}`;
                    sentences.push(`num_upper is 0 and num_tokens is ${numTokens}: ${shift}.`);
                }
            }
            if (blind.length) {
                const who = capitalised(queries(blind, "see", "sees"));
                sentences.push(`${who} nothing: a row of −∞ alone becomes NaN in the softmax.`);
            }
            // MAX compares the limits with the sizes that it knows; a symbolic seq_len it cannot check.
            for (const [name, limit, size, axis] of [
                ["num_lower", numLower, sequenceLength, "rows"],
                ["num_upper", numUpper, columns, "columns"],
            ]) {
                if (limit !== null && limit >= size) {
                    sentences.push(
                        `MAX refuses ${name}=${limit} if it knows the number of ${axis}, ${size}; ` +
                            "for a symbolic seq_len it means no limit.",
                    );
                }
            }
            return sentences.join(" ");
        }
    }

    function isEqual(a, b) {
        return a.every((row, i) => row.every((value, j) => value === b[i][j]));
    }

    function keysNamed(indices) {
        return `key${indices.length > 1 ? "s" : ""} ${listRuns(indices)}`;
    }

    function queries(indices, verb, verbOfOne) {
        return indices.length > 1 ? `queries ${listRuns(indices)} ${verb}` : `query ${indices[0]} ${verbOfOne}`;
    }

    function capitalised(text) {
        return text[0].toUpperCase() + text.slice(1);
    }

    define("mask-builder", MaskBuilder);
})();
