/**
 * `<sampling-playground>`: how temperature, top-k and top-p shape the distribution of the next token.
 *
 * It reads `window.courseData.sampling`: logits that MAX computed for a few prompts. The settings act on them as in
 * `choose_token` of step 14.
 */
(function () {
    "use strict";

    const {
        CourseWidget,
        byRank,
        cutLogits,
        define,
        draw,
        element,
        entropy,
        formatNumber,
        nextTokenDistribution,
        randomGenerator,
        scroller,
        selectField,
        softmax,
        uniqueId,
        visibleToken,
    } = window.course;

    const SHOWN = 15;
    const DRAWS_KEPT = 20;
    const FIRST_SETTINGS = { temperature: 1, topK: null, topP: 1, seed: 0 };

    class SamplingPlayground extends CourseWidget {
        get label() {
            return "Sampling playground";
        }

        hasData() {
            return Boolean(window.courseData?.sampling?.prompts?.length);
        }

        /** Makes the parts of the page; `update` fills them. */
        build() {
            this.data = window.courseData.sampling;
            this.tokens = this.data.tokens.map(visibleToken);
            // Where one token has nearly all, no setting changes much: begin with a prompt that leaves a choice.
            const open = this.data.prompts.findIndex(({ logits }) => Math.max(...softmax(logits)) < 0.5);
            this.state = { ...FIRST_SETTINGS, prompt: Math.max(open, 0) };
            return [this.buildPrompt(), this.buildSettings(), ...this.buildResult(), this.buildDraws()];
        }

        buildPrompt() {
            const prompts = this.data.prompts.map(({ text }, index) => ({
                value: `${index}`,
                text: visibleToken(text),
            }));
            const { field, select } = selectField("Prompt", prompts, (value) => this.change({ prompt: Number(value) }));
            select.value = `${this.state.prompt}`;
            return element("div", { class: "fields controls" }, field);
        }

        buildSettings() {
            const topKId = uniqueId("top-k");
            this.topKOn = element("input", {
                type: "checkbox",
                onchange: () => this.change({ topK: this.topKOn.checked ? clamped(this.topK) : null }),
            });
            this.topK = numberInput({ id: topKId, min: 1, max: this.tokens.length, step: 1, value: 10 }, () => {
                if (this.topKOn.checked) {
                    this.change({ topK: clamped(this.topK) });
                }
            });
            this.topK.setAttribute("aria-label", "k");
            const fields = element(
                "div",
                { class: "fields" },
                this.slider("temperature", "temperature", { min: 0, max: 3, step: 0.05 }, "0 is greedy"),
                element(
                    "div",
                    { class: "field" },
                    element("label", { class: "check" }, this.topKOn, " top-k"),
                    element("div", { class: "pair" }, this.topK),
                    element("span", { class: "note" }, `1 to ${this.tokens.length}`),
                ),
                this.slider("topP", "top-p", { min: 0.01, max: 1, step: 0.01 }, "1 keeps all"),
            );
            return element("div", { class: "controls" }, fields);
        }

        /** A slider and a number field for one setting: one is quick, the other exact. */
        slider(name, label, { min, max, step }, note) {
            const id = uniqueId(name);
            const take = (input) => () => {
                const value = clamped(input);
                range.value = `${value}`;
                if (input !== number) {
                    number.value = `${value}`;
                }
                this.change({ [name]: value });
            };
            const value = this.state[name];
            const range = element("input", { type: "range", id, min, max, step, value });
            range.addEventListener("input", take(range));
            const number = numberInput({ min, max, step: 0.01, value, "aria-label": `${label}, exactly` }, () =>
                take(number)(),
            );
            return element(
                "div",
                { class: "field wide" },
                element("label", { for: id }, label),
                element("div", { class: "pair" }, range, number),
                element("span", { class: "note" }, note),
            );
        }

        buildResult() {
            const titleId = uniqueId("distribution");
            this.summary = element("p", { class: "sentence" });
            this.heading = element("p", { class: "title", id: titleId });
            this.body = element("tbody");
            this.foot = element("tfoot");
            const head = element(
                "thead",
                {},
                element(
                    "tr",
                    {},
                    element("th", { scope: "col" }, "token"),
                    element("th", { scope: "col" }, "probability"),
                    element("td", {}),
                ),
            );
            this.table = element(
                "table",
                { class: "distribution", "aria-labelledby": titleId },
                head,
                this.body,
                this.foot,
            );
            return [this.summary, this.heading, scroller(titleId, this.table)];
        }

        buildDraws() {
            const seedId = uniqueId("seed");
            this.seed = numberInput({ id: seedId, min: 0, max: 999999, step: 1, value: this.state.seed }, () =>
                this.change({ seed: clamped(this.seed) }),
            );
            const button = (label, action) => element("button", { type: "button", onclick: action }, label);
            const titleId = uniqueId("draws");
            this.drawsTitle = element("p", { class: "title", id: titleId });
            this.drawList = element("ol", { class: "draws", "aria-labelledby": titleId });
            return element(
                "div",
                {},
                element(
                    "div",
                    { class: "fields controls" },
                    element(
                        "div",
                        { class: "buttons" },
                        button("Draw", () => this.drawTokens(1)),
                        button(`Draw ${DRAWS_KEPT}`, () => this.drawTokens(DRAWS_KEPT)),
                        button("Start again", () => this.change({})),
                    ),
                    element("div", { class: "field inline" }, element("label", { for: seedId }, "seed"), this.seed),
                ),
                this.drawsTitle,
                this.drawList,
            );
        }

        change(settings) {
            Object.assign(this.state, settings);
            this.update();
            this.announce(this.summary.textContent);
        }

        /** Shows the distribution. The draws start again, so that the same settings and seed give the same tokens. */
        update() {
            const { prompt, seed, ...options } = this.state;
            const { text, logits } = this.data.prompts[prompt];
            this.probabilities = nextTokenDistribution(logits, options);
            this.heading.replaceChildren(
                `The ${Math.min(SHOWN, this.tokens.length)} most likely tokens after `,
                element("span", { class: "token" }, visibleToken(text)),
            );
            this.random = randomGenerator(seed);
            this.draws = [];
            this.drawCount = 0;
            this.fillTable(logits, options);
            this.showDraws();
        }

        fillTable(logits, options) {
            const { probabilities } = this;
            const { removedBy } = cutLogits(logits, options);
            // What a removed token would have had, for its empty bar.
            const { temperature } = options;
            const uncut = temperature === 0 ? softmax(logits) : nextTokenDistribution(logits, { temperature });
            const ranked = byRank(logits);
            const shown = ranked.slice(0, SHOWN);
            const longest = Math.max(...shown.map((id) => Math.max(probabilities[id], uncut[id])));
            this.body.replaceChildren(
                ...shown.map((id) => {
                    const rule = removedBy[id];
                    const token = element("span", { class: "token" }, this.tokens[id]);
                    const length = (rule ? uncut[id] : probabilities[id]) / longest;
                    return element(
                        "tr",
                        {
                            "data-token-id": id,
                            "data-probability": probabilities[id],
                            "data-removed": rule,
                            class: rule ? "removed" : null,
                        },
                        element("th", { scope: "row" }, token),
                        element("td", { class: "number" }, rule ? `cut: ${rule}` : percent(probabilities[id])),
                        element(
                            "td",
                            { class: "track" },
                            element("span", { class: "bar", style: `--length: ${length.toFixed(4)}` }),
                        ),
                    );
                }),
            );

            const others = ranked.slice(SHOWN);
            const otherProbability = others.reduce((total, id) => total + probabilities[id], 0);
            const othersLeft = others.filter((id) => removedBy[id] === null).length;
            this.foot.replaceChildren(
                ...(others.length
                    ? [
                          element(
                              "tr",
                              { "data-probability": otherProbability },
                              element("th", { scope: "row" }, `${others.length} others`),
                              element("td", { class: "number" }, percent(otherProbability)),
                              element("td", { class: "note" }, `${othersLeft} left`),
                          ),
                      ]
                    : []),
            );

            const left = removedBy.filter((rule) => rule === null).length;
            const nats = entropy(probabilities);
            this.dataset.left = `${left}`;
            this.dataset.entropy = `${nats}`;
            const best = this.tokens[ranked[0]];
            const leftOver = `${left} of ${this.tokens.length} tokens ${left === 1 ? "is" : "are"} left`;
            this.summary.textContent =
                temperature === 0
                    ? `Temperature 0 is greedy: always ${best}, the token with the largest logit. Entropy 0.00 nats.`
                    : `${leftOver}; the best is ${best} with ${percent(probabilities[ranked[0]])}. ` +
                      `Entropy ${formatNumber(nats, 2)} nats.`;
        }

        drawTokens(count) {
            for (let n = 0; n < count; n += 1) {
                this.draws.push(draw(this.probabilities, this.random()));
            }
            this.drawCount += count;
            this.draws = this.draws.slice(-DRAWS_KEPT);
            this.showDraws();
            const last = this.tokens[this.draws.at(-1)];
            this.announce(count === 1 ? `Drew ${last}.` : `Drew ${count} tokens, the last ${last}.`);
        }

        showDraws() {
            const { drawCount } = this;
            this.drawsTitle.textContent = drawCount
                ? `${drawCount} drawn${drawCount > DRAWS_KEPT ? `, the last ${DRAWS_KEPT} are` : ""}:`
                : "Nothing is drawn yet. The same settings and the same seed give the same tokens.";
            // On paper nothing can be drawn any more.
            this.drawsTitle.classList.toggle("controls", drawCount === 0);
            this.drawList.classList.toggle("controls", drawCount === 0);
            this.drawList.replaceChildren(
                ...this.draws.map((id) =>
                    element("li", { "data-token-id": id }, element("span", { class: "token" }, this.tokens[id])),
                ),
            );
        }
    }

    /** A number field that acts on every valid entry; on leaving, what it holds is brought into its range. */
    function numberInput(attributes, onValue) {
        const input = element("input", { type: "number", inputmode: "decimal", ...attributes });
        const isValid = () => Number.isFinite(input.valueAsNumber) && clamped(input) === input.valueAsNumber;
        input.addEventListener("input", () => {
            input.setAttribute("aria-invalid", `${!isValid()}`);
            if (isValid()) {
                onValue();
            }
        });
        input.addEventListener("change", () => {
            if (!isValid()) {
                input.value = `${clamped(input)}`;
                input.setAttribute("aria-invalid", "false");
                onValue();
            }
        });
        return input;
    }

    /** The value of an input, within its limits; its first value if it is not a number. */
    function clamped(input) {
        const value = Number.isFinite(input.valueAsNumber) ? input.valueAsNumber : Number(input.defaultValue);
        const within = Math.min(Math.max(value, Number(input.min)), Number(input.max));
        return input.step === "1" ? Math.round(within) : within;
    }

    function percent(probability) {
        return probability > 0 && probability < 0.00005 ? "<0.01%" : `${formatNumber(100 * probability, 2)}%`;
    }

    define("sampling-playground", SamplingPlayground);
})();
