/**
 * `<attention-explorer>`: what the heads of the course's model attend to, step by step.
 *
 * It reads `window.courseData.attention`: the queries, keys and values that MAX computed for one text. What follows
 * from them, it computes itself, in the five steps of the chapter on attention.
 */
(function () {
    "use strict";

    const { CourseWidget, attention, define, element, formatNumber, scroller, selectField, uniqueId, visibleToken } =
        window.course;

    // The five steps: the name on the control, the result as `attention` calls it, the line of code, digits shown.
    const STEPS = [
        { name: "scores", result: "scores", code: "query @ key.transpose(-1, -2)", digits: 2 },
        { name: "scale", result: "scaled", code: "scores / math.sqrt(head_dim)", digits: 2 },
        { name: "mask", result: "masked", code: "scores + mask", digits: 2 },
        { name: "softmax", result: "weights", code: "F.softmax(scores + mask)", digits: 3 },
        { name: "blend", result: "output", code: "weights @ value", digits: 2 },
    ];
    const LAST_STEP = STEPS.length - 1;
    const WEIGHT_DIGITS = 3;

    class AttentionExplorer extends CourseWidget {
        get label() {
            return "Attention explorer";
        }

        hasData() {
            return Boolean(window.courseData?.attention?.layers?.length);
        }

        /** Makes the parts of the page; `update` fills them. */
        build() {
            this.data = window.courseData.attention;
            this.tokens = this.data.tokens.map(visibleToken);
            // A token with some before it and some after it: there is something to see in every step.
            this.state = { layer: 0, head: 0, step: 0, token: Math.floor((this.tokens.length * 2) / 3) };
            // A token under the pointer is shown until the pointer leaves it.
            this.pointedAt = null;
            return [this.buildChoices(), this.buildTokens(), this.buildSteps(), ...this.buildResult()];
        }

        buildChoices() {
            const numbers = (count) => Array.from({ length: count }, (_, n) => ({ value: `${n}`, text: `${n}` }));
            const layer = selectField("Layer", numbers(this.data.n_layer), (value) => this.change({ layer: +value }));
            const head = selectField("Head", numbers(this.data.n_head), (value) => this.change({ head: +value }));
            return element("div", { class: "fields controls" }, layer.field, head.field);
        }

        /** The text as a row of buttons. Only one of them is a stop for the Tab key; arrow keys go along the row. */
        buildTokens() {
            this.tokenButtons = this.tokens.map((token, index) =>
                element(
                    "button",
                    {
                        type: "button",
                        class: "token-button",
                        onclick: () => this.choose(index),
                        onfocus: () => this.choose(index),
                        onpointerenter: (event) => event.pointerType === "mouse" && this.pointAt(index),
                        onpointerleave: () => this.pointAt(null),
                    },
                    element("span", { class: "position" }, `${index}`),
                    " ",
                    element("span", { class: "token" }, token),
                    " ",
                    element("span", { class: "weight" }),
                ),
            );
            const titleId = uniqueId("tokens");
            this.attends = element("p", { class: "attends" });
            return element(
                "div",
                { class: "tokens" },
                element(
                    "p",
                    { class: "title controls", id: titleId },
                    "Choose the token that asks. Each token shows the weight that it gets.",
                ),
                element(
                    "div",
                    {
                        class: "token-row",
                        role: "toolbar",
                        "aria-labelledby": titleId,
                        onkeydown: (event) => this.moveAlongTokens(event),
                    },
                    ...this.tokenButtons,
                ),
                this.attends,
            );
        }

        moveAlongTokens(event) {
            const last = this.tokens.length - 1;
            const { token } = this.state;
            const target = {
                ArrowRight: Math.min(token + 1, last),
                ArrowLeft: Math.max(token - 1, 0),
                Home: 0,
                End: last,
            }[event.key];
            if (target !== undefined && !event.altKey && !event.ctrlKey && !event.metaKey) {
                event.preventDefault();
                this.tokenButtons[target].focus();
            }
        }

        buildSteps() {
            const group = uniqueId("step");
            this.radios = STEPS.map((_, step) =>
                element("input", {
                    type: "radio",
                    name: group,
                    value: `${step + 1}`,
                    onchange: () => this.change({ step }),
                }),
            );
            const labels = this.radios.map((radio, step) =>
                element("label", { class: "pill" }, radio, ` ${step + 1} ${STEPS[step].name}`),
            );
            // Not `disabled`: at an end the button would lose the focus to nothing.
            const stepBy = (difference) => {
                const step = Math.min(Math.max(this.state.step + difference, 0), LAST_STEP);
                if (step !== this.state.step) {
                    this.change({ step });
                }
            };
            this.previousButton = element("button", { type: "button", onclick: () => stepBy(-1) }, "Previous step");
            this.nextButton = element("button", { type: "button", onclick: () => stepBy(1) }, "Next step");
            return element(
                "fieldset",
                { class: "controls" },
                element("legend", {}, "Step"),
                element("div", { class: "pills" }, ...labels),
                element("div", { class: "buttons" }, this.previousButton, this.nextButton),
            );
        }

        buildResult() {
            const titleId = uniqueId("matrix");
            this.sentence = element("p", { class: "sentence" });
            this.heading = element("p", { class: "title", id: titleId });
            // A row may be chosen in the table as well; the keyboard has the buttons for that.
            this.table = element("table", {
                "aria-labelledby": titleId,
                onclick: (event) => {
                    const row = event.target.closest("tbody tr");
                    if (row) {
                        this.choose(Number(row.dataset.token));
                    }
                },
            });
            this.bars = element("ol", { class: "bars", start: "0" });
            this.barsTitle = element("p", { class: "title" });
            this.barsPart = element("div", {}, this.barsTitle, this.bars);
            return [this.sentence, this.heading, scroller(titleId, this.table), this.barsPart];
        }

        /** The token whose row is shown: the one under the pointer, else the one that was chosen. */
        get current() {
            return this.pointedAt ?? this.state.token;
        }

        /** Takes over new choices, shows them, and tells what they gave. */
        change(choices) {
            Object.assign(this.state, choices);
            this.update();
            this.announce("step" in choices ? this.describeStep() : this.describeWeights());
        }

        choose(token) {
            // A pointer that rests on a token does not keep the arrow keys from another.
            this.pointedAt = null;
            const isNew = token !== this.state.token;
            this.state.token = token;
            this.showToken();
            if (isNew) {
                this.announce(this.describeWeights());
            }
        }

        pointAt(token) {
            if (token !== this.pointedAt) {
                this.pointedAt = token;
                this.showToken();
            }
        }

        update() {
            const { layer, head, step } = this.state;
            const { query, key, value } = this.data.layers[layer];
            this.result = attention(query[head], key[head], value[head]);
            this.radios[step].checked = true;
            this.previousButton.setAttribute("aria-disabled", `${step === 0}`);
            this.nextButton.setAttribute("aria-disabled", `${step === LAST_STEP}`);
            this.dataset.step = `${step + 1}`;
            this.fillTable();
            this.showToken();
        }

        fillTable() {
            const { result, code, digits } = STEPS[this.state.step];
            const rows = this.result[result];
            const columns = result === "output" ? rows[0].map((_, d) => `${d}`) : this.tokens;
            const keys = result !== "output";
            this.heading.replaceChildren(
                element("code", {}, code),
                ` has the shape (${rows.length}, ${columns.length}): ${
                    keys ? "a row for each query, a column for each key" : "a row of head_dim numbers for each query"
                }.`,
            );

            const finite = rows.flat().filter(Number.isFinite);
            const smallest = keys ? Math.min(...finite) : 0;
            const largest = Math.max(...finite.map((number) => (keys ? number : Math.abs(number))));
            const shade = (number) => {
                if (result === "weights") {
                    return Math.sqrt(number); // so that small weights can be told apart as well
                }
                return Number.isFinite(number) ? Math.abs(number - smallest) / (largest - smallest || 1) : 0;
            };
            const header = (index, token) => [
                element("span", { class: "position" }, `${index}`),
                ...(keys ? [" ", element("span", { class: "token" }, token)] : []),
            ];
            this.table.replaceChildren(
                element(
                    "thead",
                    {},
                    element(
                        "tr",
                        {},
                        element("td", {}, keys ? "query ↓ key →" : "query ↓ dim →"),
                        ...columns.map((token, index) => element("th", { scope: "col" }, ...header(index, token))),
                    ),
                ),
                element(
                    "tbody",
                    {},
                    ...rows.map((row, i) =>
                        element(
                            "tr",
                            { "data-token": i },
                            element(
                                "th",
                                { scope: "row" },
                                element("span", { class: "position" }, `${i}`),
                                " ",
                                element("span", { class: "token" }, this.tokens[i]),
                            ),
                            ...row.map((number, j) => {
                                const isMasked = j > i && (result === "masked" || result === "weights");
                                return element(
                                    "td",
                                    {
                                        "data-value": number,
                                        class: isMasked ? "masked" : null,
                                        style: `--shade: ${shade(number).toFixed(3)}`,
                                    },
                                    formatNumber(number, isMasked ? 0 : digits),
                                );
                            }),
                        ),
                    ),
                ),
            );
        }

        /** Shows what belongs to one token; the table's numbers stay as they are. */
        showToken() {
            const { current } = this;
            const weights = this.result.weights[current];
            for (const [index, button] of this.tokenButtons.entries()) {
                button.tabIndex = index === this.state.token ? 0 : -1;
                button.setAttribute("aria-pressed", `${index === current}`);
                button.classList.toggle("later", index > current);
                button.dataset.weight = `${weights[index]}`;
                button.style.setProperty("--shade", Math.sqrt(weights[index]).toFixed(3));
                button.querySelector(".weight").textContent =
                    index > current ? "later" : formatNumber(weights[index], WEIGHT_DIGITS);
            }
            for (const row of this.table.tBodies[0].rows) {
                if (Number(row.dataset.token) === current) {
                    row.setAttribute("aria-current", "true");
                } else {
                    row.removeAttribute("aria-current");
                }
            }
            this.attends.textContent = this.describeWeights();
            this.sentence.textContent = this.describeStep();
            this.showOutput();
        }

        showOutput() {
            const isLastStep = this.state.step === LAST_STEP;
            this.barsPart.hidden = !isLastStep;
            if (!isLastStep) {
                return;
            }
            const output = this.result.output[this.current];
            const largest = Math.max(...output.map(Math.abs)) || 1;
            this.barsTitle.textContent = `The output of query ${this.current}, ${this.tokens[this.current]}:`;
            this.bars.replaceChildren(
                ...output.map((number, index) =>
                    element(
                        "li",
                        { "data-value": number, style: `--length: ${(Math.abs(number) / largest).toFixed(3)}` },
                        element("span", { class: "position" }, `${index}`),
                        element(
                            "span",
                            { class: "track", "aria-hidden": "true" },
                            element("span", { class: number < 0 ? "bar negative" : "bar" }),
                        ),
                        element("span", { class: "number" }, formatNumber(number, WEIGHT_DIGITS)),
                    ),
                ),
            );
        }

        /** Which tokens get most of the weight, as a sentence. */
        describeWeights() {
            const { current } = this;
            const weights = this.result.weights[current];
            const most = weights
                .map((weight, index) => ({ weight, index }))
                .slice(0, current + 1)
                .sort((a, b) => b.weight - a.weight)
                .slice(0, 3)
                .map(({ weight, index }) => `${this.named(index)} ${formatNumber(weight, WEIGHT_DIGITS)}`);
            return `Token ${this.named(current)} attends ${current > 2 ? "most " : ""}to: ${most.join(", ")}.`;
        }

        /** What the step did to the row that is shown, with its numbers. */
        describeStep() {
            const { current: i, result, data } = this;
            const last = this.tokens.length - 1;
            const best = indexOfLargest(this.state.step < 2 ? result.scores[i] : result.masked[i]);
            const score = formatNumber(result.scores[i][best], 2);
            const scaled = formatNumber(result.scaled[i][best], 2);
            const weight = formatNumber(result.weights[i][best], WEIGHT_DIGITS);
            switch (STEPS[this.state.step].result) {
                case "scores":
                    return (
                        `Query ${this.named(i)} meets every key. A score is the sum of ${data.head_dim} products, ` +
                        `one for each dimension. The largest is ${score}, with key ${this.named(best)}.`
                    );
                case "scaled":
                    return (
                        `head_dim is ${data.head_dim}, so each score is divided by ` +
                        `√${data.head_dim} = ${formatNumber(Math.sqrt(data.head_dim), 3)}. ` +
                        `With key ${this.named(best)}, ${score} becomes ${scaled}.`
                    );
                case "masked": {
                    const later = last - i;
                    if (later === 0) {
                        return `Query ${this.named(i)} is the last. No key is later, so its row stays as it is.`;
                    }
                    const seen = i === 0 ? "key 0 alone" : `keys 0 to ${i}`;
                    const rest = later === 1 ? "score of the one later key" : `scores of the ${later} later keys`;
                    return `Query ${this.named(i)} may see ${seen}. The ${rest} become${later === 1 ? "s" : ""} −∞.`;
                }
                case "weights": {
                    const sum = result.masked[i].reduce((total, number) => total + Math.exp(number), 0);
                    // Digits enough that a reader who computes it again finds the weight.
                    const total = formatNumber(sum, Math.min(Math.max(3 - Math.floor(Math.log10(sum)), 0), 9));
                    const exponent = formatNumber(result.masked[i][best], 4);
                    return (
                        `Each score s becomes exp(s), divided by the sum of the row, ${total}. ` +
                        `For key ${this.named(best)}: exp(${exponent}) / ${total} = ${weight}. ` +
                        `The weights sum to 1${i < last ? "; exp(−∞) is 0" : ""}.`
                    );
                }
                default: {
                    const { value } = data.layers[this.state.layer];
                    const first = value[this.state.head][best][0];
                    const rest = i > 0 ? " + …" : "";
                    const sum = i > 0 ? `values 0 to ${i}, each times its weight` : "one value, with all the weight";
                    return (
                        `The output of query ${this.named(i)} is ${weight} × value ${best}${rest}: ${sum}. ` +
                        `Its first number is ${weight} × ${formatNumber(first, 3)}${rest} = ` +
                        `${formatNumber(result.output[i][0], 3)}.`
                    );
                }
            }
        }

        named(index) {
            return `${index} (${this.tokens[index]})`;
        }
    }

    function indexOfLargest(numbers) {
        return numbers.indexOf(Math.max(...numbers));
    }

    define("attention-explorer", AttentionExplorer);
})();
