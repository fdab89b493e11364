// Listings that are wider than the page scroll by themselves; a keyboard must be able to reach them.
"use strict";

(() => {
    const mark = () => {
        for (const code of document.querySelectorAll("main pre > code")) {
            if (code.scrollWidth > code.clientWidth) {
                code.tabIndex = 0;
                code.setAttribute("role", "region");
                code.setAttribute("aria-label", "listing, scrolls sideways");
            }
        }
    };
    window.addEventListener("load", mark);
    window.addEventListener("resize", mark);
    // A folded listing has no width until it is opened.
    document.addEventListener("toggle", mark, true);
})();
