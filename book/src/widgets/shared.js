/**
 * What the interactive pictures share: the course's functions, and helpers to build a part of a page.
 *
 * The functions compute what the learner's MAX code computes, in double precision. Tests hold them against it.
 * Everything is on `window.course`, because the scripts are classic ones: they also run from a file:// page.
 */
(function () {
    "use strict";

    // The print page holds all chapters, so this file may be loaded more than once.
    if (window.course) {
        return;
    }

    // --- the course's functions -------------------------------------------------------------

    /**
     * Turns scores into weights that are positive and sum to 1. A row of -Infinity alone gives NaN, as 0/0 does.
     * @param {number[]} scores
     * @returns {number[]}
     */
    function softmax(scores) {
        const largest = Math.max(...scores);
        // Without the largest taken off, exp would overflow for scores above 709.
        const exponentials = scores.map((score) => Math.exp(score - largest));
        const total = sum(exponentials);
        return exponentials.map((exponential) => exponential / total);
    }

    /**
     * `F.band_part` on a matrix that is filled with one value: keeps a band around the diagonal, the rest becomes 0.
     *
     * Entry [i][j] is in the band if i - j <= numLower and j - i <= numUpper. A limit of null or -1 is no limit.
     * @param {number} rows
     * @param {number} columns
     * @param {{numLower?: ?number, numUpper?: ?number, exclude?: boolean, value?: number}} [options] `exclude` turns
     *     the choice round: the band becomes 0 and the rest is kept.
     * @returns {number[][]}
     * @throws {RangeError} a limit is below -1, which MAX refuses too
     */
    function bandPart(rows, columns, { numLower = null, numUpper = null, exclude = false, value = 1 } = {}) {
        const lower = bandLimit("numLower", numLower);
        const upper = bandLimit("numUpper", numUpper);
        return matrix(rows, columns, (i, j) => {
            const inBand = i - j <= lower && j - i <= upper;
            return inBand !== exclude ? value : 0;
        });
    }

    /**
     * The causal mask of step 02: 0 where a query may look, -Infinity where it may not.
     * @param {number} sequenceLength number of queries
     * @param {number} numTokens number of earlier tokens whose keys are in a cache
     * @returns {number[][]} [sequenceLength][sequenceLength + numTokens]
     */
    function causalMask(sequenceLength, numTokens = 0) {
        return bandPart(sequenceLength, sequenceLength + numTokens, {
            numUpper: numTokens,
            exclude: true,
            value: -Infinity,
        });
    }

    /**
     * Scaled dot-product attention of one head, as in step 08, with everything that lies between.
     * @param {number[][]} query [seq_len][head_dim]
     * @param {number[][]} key [keys][head_dim]; if there are more keys than queries, the first ones are cached
     * @param {number[][]} value [keys][head_dim]
     * @param {{scale?: number, masked?: boolean}} [options] what the scores are multiplied by, 1/√head_dim if it is not
     *     given; false for `masked` leaves out the mask
     * @returns {{scores: number[][], scaled: number[][], masked: number[][], weights: number[][], output: number[][]}}
     */
    function attention(query, key, value, { scale = 1 / Math.sqrt(query[0].length), masked = true } = {}) {
        const mask = causalMask(query.length, key.length - query.length);
        const stages = {};
        stages.scores = matrix(query.length, key.length, (i, j) => dot(query[i], key[j]));
        stages.scaled = stages.scores.map((row) => row.map((score) => score * scale));
        stages.masked = stages.scaled.map((row, i) => row.map((score, j) => (masked ? score + mask[i][j] : score)));
        stages.weights = stages.masked.map(softmax);
        stages.output = stages.weights.map((row) => value[0].map((_, d) => sum(row.map((w, j) => w * value[j][d]))));
        return stages;
    }

    /**
     * What `choose_token` of step 14 does to the logits before it draws, and which rule removed which token.
     * @param {number[]} logits
     * @param {{temperature?: number, topK?: ?number, topP?: ?number}} [options] as in `nextTokenDistribution`
     * @returns {{logits: number[], removedBy: Array<?string>}} -Infinity for a removed token, and for each token null
     *     or "greedy", "top-k", "top-p"
     * @throws {RangeError} an option that `choose_token` refuses
     */
    function cutLogits(logits, { temperature = 0, topK = null, topP = null } = {}) {
        if (!(temperature >= 0 && temperature < Infinity)) {
            throw new RangeError(`temperature (${temperature}) must be 0 or a positive number`);
        }
        if (topK !== null && !(topK >= 1)) {
            throw new RangeError(`topK (${topK}) must be at least 1`);
        }
        if (topP !== null && !(topP > 0 && topP <= 1)) {
            throw new RangeError(`topP (${topP}) must be above 0 and at most 1`);
        }
        const largest = Math.max(...logits);
        const removedBy = logits.map(() => null);
        const remove = (scores, gone, rule) =>
            scores.map((score, id) => {
                if (!gone(id)) {
                    return score;
                }
                removedBy[id] = removedBy[id] ?? rule;
                return -Infinity;
            });

        if (temperature === 0) {
            const best = logits.indexOf(largest);
            const gone = (id) => id !== best;
            return { logits: remove(logits, gone, "greedy").map((score) => score - largest), removedBy };
        }
        let cut = logits.map((logit) => (logit - largest) / temperature);
        if (topK !== null && topK < cut.length) {
            const kthLargest = [...cut].sort((a, b) => b - a)[topK - 1];
            const scores = cut;
            cut = remove(scores, (id) => scores[id] < kthLargest, "top-k"); // ties with the k-th stay
        }
        if (topP !== null && topP < 1) {
            const probabilities = softmax(cut);
            const gone = new Set();
            let total = 0;
            for (const id of byRank(cut)) {
                total += probabilities[id];
                // A token stays if those before it have not reached topP yet: the first always stays.
                if (total - probabilities[id] >= topP) {
                    gone.add(id);
                }
            }
            cut = remove(cut, (id) => gone.has(id), "top-p");
        }
        return { logits: cut, removedBy };
    }

    /**
     * The probabilities from which `choose_token` of step 14 draws: temperature first, then top-k, then top-p.
     * @param {number[]} logits
     * @param {{temperature?: number, topK?: ?number, topP?: ?number}} [options] temperature 0 is greedy; null turns
     *     topK or topP off
     * @returns {number[]} 0 for a removed token
     */
    function nextTokenDistribution(logits, options = {}) {
        return softmax(cutLogits(logits, options).logits);
    }

    /**
     * The ids of the tokens, most likely first; of equal ones the smaller id first.
     * @param {number[]} scores
     * @returns {number[]}
     */
    function byRank(scores) {
        // No subtraction: -Infinity minus -Infinity is not a number.
        return scores.map((_, id) => id).sort((a, b) => Number(scores[a] < scores[b]) - Number(scores[a] > scores[b]));
    }

    /**
     * The entropy of a distribution in nats: 0 for a certain token, ln(n) for n equally likely ones.
     * @param {number[]} probabilities
     * @returns {number}
     */
    function entropy(probabilities) {
        return sum(probabilities.map((p) => (p > 0 ? -p * Math.log(p) : 0)));
    }

    /**
     * A source of chance that gives the same numbers for the same seed.
     *
     * A counter goes up by the golden ratio's 32 bits; MurmurHash3's final mixing makes each count look random.
     * @param {number} seed an integer
     * @returns {function(): number} each call gives the next number, at least 0 and below 1
     */
    function randomGenerator(seed) {
        let counter = seed | 0;
        return () => {
            counter = (counter + 0x9e3779b9) | 0;
            let bits = counter;
            bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
            bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
            return ((bits ^ (bits >>> 16)) >>> 0) / 2 ** 32;
        };
    }

    /**
     * Draws one index: the first at which the sum of the probabilities exceeds the random number.
     * @param {number[]} probabilities
     * @param {number} random at least 0 and below 1
     * @returns {number}
     */
    function draw(probabilities, random) {
        // Rounding may leave the sum a little below 1.
        const target = random * sum(probabilities);
        let total = 0;
        let last = 0;
        for (const [index, probability] of probabilities.entries()) {
            if (probability > 0) {
                total += probability;
                last = index;
            }
            if (total > target) {
                return index;
            }
        }
        return last;
    }

    function bandLimit(name, limit) {
        if (limit !== null && limit < -1) {
            throw new RangeError(`${name} (${limit}) must be null, -1 or a number of diagonals`);
        }
        return limit === null || limit === -1 ? Infinity : limit;
    }

    function matrix(rows, columns, entry) {
        return Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (_, j) => entry(i, j)));
    }

    function sum(numbers) {
        return numbers.reduce((total, number) => total + number, 0);
    }

    function dot(a, b) {
        return a.reduce((total, number, index) => total + number * b[index], 0);
    }

    // --- text ---------------------------------------------------------------------------------

    const WHITESPACE = { " ": "␣", "\n": "⏎", "\t": "⇥", "\r": "␍", "\u00a0": "⍽" };

    /**
     * A token as it can be read: spaces and line ends become visible signs.
     * @param {string} token
     * @returns {string}
     */
    function visibleToken(token) {
        return token === "" ? "(empty)" : token.replace(/[ \n\t\r\u00a0]/g, (character) => WHITESPACE[character]);
    }

    /**
     * A number for readers: rounded, with a true minus sign, and ∞ for Infinity.
     * @param {number} number
     * @param {number} digits digits after the point
     * @returns {string}
     */
    function formatNumber(number, digits) {
        if (Number.isNaN(number)) {
            return "NaN";
        }
        const size = Number.isFinite(number) ? Math.abs(number).toFixed(digits) : "∞";
        // What rounds to zero has no sign.
        return number < 0 && !/^[0.]+$/.test(size) ? `−${size}` : size;
    }

    /**
     * Whole numbers as words in a sentence, runs of three and more shortened: "0, 2 and 5 to 7".
     * @param {number[]} numbers in rising order
     * @returns {string}
     */
    function listRuns(numbers) {
        const runs = [];
        for (const number of numbers) {
            const run = runs.at(-1);
            if (run && run.end === number - 1) {
                run.end = number;
            } else {
                runs.push({ start: number, end: number });
            }
        }
        const words = runs.flatMap(({ start, end }) => {
            if (end - start > 1) {
                return [`${start} to ${end}`];
            }
            return start === end ? [`${start}`] : [`${start}`, `${end}`];
        });
        return words.length > 1 ? `${words.slice(0, -1).join(", ")} and ${words.at(-1)}` : words.join("");
    }

    // --- the page -------------------------------------------------------------------------------

    let idsGiven = 0;

    /**
     * An id that no other element has, however many pictures are on the page.
     * @param {string} name
     * @returns {string}
     */
    function uniqueId(name) {
        idsGiven += 1;
        return `course-${name}-${idsGiven}`;
    }

    /**
     * Makes an element. Attributes that start with "on" are listeners; true is an attribute without a value, and
     * false, null and undefined leave it out.
     * @param {string} tag
     * @param {Object} [attributes]
     * @param {...(Node|string)} children
     * @returns {HTMLElement}
     */
    function element(tag, attributes = {}, ...children) {
        const made = document.createElement(tag);
        for (const [name, value] of Object.entries(attributes)) {
            if (name.startsWith("on")) {
                made.addEventListener(name.slice(2), value);
            } else if (value !== false && value !== null && value !== undefined) {
                made.setAttribute(name, value === true ? "" : value);
            }
        }
        made.append(...children);
        return made;
    }

    /**
     * A labelled choice between a few values.
     * @param {string} label
     * @param {Array<{value: string, text: string}>} choices
     * @param {function(string): void} onChoice
     * @returns {{field: HTMLElement, select: HTMLSelectElement}}
     */
    function selectField(label, choices, onChoice) {
        const id = uniqueId("select");
        const options = choices.map(({ value, text }) => element("option", { value }, text));
        const select = element("select", { id, onchange: () => onChoice(select.value) }, ...options);
        return { field: element("div", { class: "field" }, element("label", { for: id }, label), select), select };
    }

    /**
     * A box in which a wide table scrolls, so that the page does not. It takes the focus: arrow keys scroll it.
     * @param {string} titleId id of the element that says what the table shows
     * @param {HTMLElement} table
     * @returns {HTMLElement}
     */
    function scroller(titleId, table) {
        return element("div", { class: "scroller", tabindex: "0", role: "region", "aria-labelledby": titleId }, table);
    }

    // Long enough for a slider to come to rest, short enough to belong to what was done.
    const ANNOUNCE_AFTER_MS = 200;

    /**
     * An interactive picture: it replaces its fallback text once its data is there.
     *
     * A picture has a `label`, says whether it `hasData()`, makes its parts in `build()` and shows its state in
     * `update()`.
     */
    class CourseWidget extends HTMLElement {
        connectedCallback() {
            // While the page is read, the fallback is not there yet and could not be replaced.
            if (document.readyState === "loading") {
                document.addEventListener("DOMContentLoaded", () => this.start(), { once: true });
            } else {
                this.start();
            }
        }

        /** Replaces the fallback, once; without data the fallback stays. */
        start() {
            if (this.started || !this.isConnected || !this.hasData()) {
                return;
            }
            this.started = true;
            const parts = this.build();
            this.liveRegion = element("p", { class: "visually-hidden", role: "status", "aria-live": "polite" });
            this.classList.add("course-widget");
            this.setAttribute("role", "group");
            this.setAttribute("aria-label", this.label);
            this.replaceChildren(...parts, this.liveRegion);
            // mdBook turns the page on an arrow key; in here the arrow keys have other work.
            this.addEventListener("keydown", (event) => {
                if (event.key.startsWith("Arrow")) {
                    event.stopPropagation();
                }
            });
            this.update();
        }

        /**
         * Tells a reader who listens what has changed. Of several changes in a row only the last is told.
         * @param {string} message
         */
        announce(message) {
            clearTimeout(this.announcement);
            this.announcement = setTimeout(() => {
                this.liveRegion.textContent = message;
            }, ANNOUNCE_AFTER_MS);
        }
    }

    /**
     * Registers a custom element, unless the same script has done so before.
     * @param {string} name
     * @param {typeof HTMLElement} widget
     */
    function define(name, widget) {
        if (!customElements.get(name)) {
            customElements.define(name, widget);
        }
    }

    window.course = {
        softmax,
        bandPart,
        causalMask,
        attention,
        cutLogits,
        nextTokenDistribution,
        byRank,
        entropy,
        randomGenerator,
        draw,
        visibleToken,
        formatNumber,
        listRuns,
        uniqueId,
        element,
        selectField,
        scroller,
        CourseWidget,
        define,
    };
})();
