/** What test pages are asked about beside axe; each is evaluated in the page and restores what it changed. */
({
  /** Notes each element that Tab reaches from now on, and where the focus was. */
  watchFocus() {
    const stops = [];
    const hasEdge = (element) => {
      if (!element) return false;
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
      return (outlineStyle !== "none" && parseFloat(outlineWidth) > 0) || boxShadow !== "none";
    };
    const note = ({ target }) => {
      const { width, height } = target.getBoundingClientRect();
      // What is drawn for a control that is hidden itself stands beside or around it.
      const drawn = [target, target.nextElementSibling, target.closest("label"), target.parentElement];
      stops.push({
        element: target,
        isSeen: target.checkVisibility({ visibilityProperty: true }) && width > 0 && height > 0 && drawn.some(hasEdge),
        html: target.outerHTML.slice(0, 120),
      });
    };
    addEventListener("focusin", note, true);
    globalThis.watched = { stops, note, before: document.activeElement };
    document.body.tabIndex = -1;
    document.body.focus();
    document.body.removeAttribute("tabindex");
    stops.length = 0;
  },

  /** Whether Tab has come round. */
  isRound() {
    const { stops } = watched;
    return !document.hasFocus() || document.activeElement === document.body || stops.some(({ element }, at) => at && element === stops[0].element);
  },

  focusFindings() {
    const { stops, note, before } = watched;
    removeEventListener("focusin", note, true);
    const again = stops.findIndex(({ element }, at) => at && element === stops[0].element);
    const round = again < 0 ? stops : stops.slice(0, again);
    // In a dialog the round begins where the focus was.
    const isBefore = (one, other) => one.element.compareDocumentPosition(other.element) & Node.DOCUMENT_POSITION_FOLLOWING;
    const first = round.reduce((least, stop, at) => (isBefore(stop, round[least]) ? at : least), 0);
    const once = [...round.slice(first), ...round.slice(0, first)];
    if (before?.isConnected && before !== document.body) before.focus({ preventScroll: true });
    return {
      stops: once.length,
      disordered: once.filter((stop, at) => at && !isBefore(once[at - 1], stop)).map(({ html }) => html),
      unseen: once.filter(({ isSeen }) => !isSeen).map(({ html }) => html),
    };
  },

  liveRegions() {
    const polite = document.querySelectorAll("[aria-live=polite], [role=status], [role=log], [role=timer], output").length;
    const assertive = document.querySelectorAll("[aria-live=assertive], [role=alert]").length;
    return { polite, assertive };
  },

  /** Controls that cannot be told from what is around them: no edge, or a text in the colour of its ground. */
  unseenControls() {
    const controls = [...document.querySelectorAll("button, input, select, textarea, summary, a[href]")].filter(
      (control) => control.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && !control.closest(".sr, [inert]") && control.offsetWidth > 4,
    );
    const isLost = (control) => {
      const { color, backgroundColor, borderTopWidth, borderTopStyle, appearance, textDecorationLine } = getComputedStyle(control);
      const hasEdge = parseFloat(borderTopWidth) > 0 && borderTopStyle !== "none";
      const needsEdge = control.matches("input, select, textarea") && appearance === "none";
      const isBareButton = control.matches("button") && !hasEdge && textDecorationLine === "none" && !control.textContent.trim() && !control.querySelector("svg, img");
      return color === backgroundColor || (needsEdge && !hasEdge) || isBareButton;
    };
    return controls.filter(isLost).map((control) => control.outerHTML.slice(0, 120));
  },

  motions() {
    const moving = document.getAnimations().filter((one) => one.playState === "running" && one.effect.getComputedTiming().activeDuration > 20);
    return moving.map(({ effect }) => effect.target.outerHTML.slice(0, 120));
  },

  /** With twice the text: does the page scroll sideways, is any text cut off? */
  largeTextFindings() {
    const { style } = document.documentElement;
    style.fontSize = "200%";
    const reaches = (element) => element.getBoundingClientRect().right > innerWidth + 1;
    const widest = [...document.querySelectorAll("body *")].filter((element) => reaches(element) && ![...element.children].some(reaches)).at(-1);
    const found = document.documentElement.scrollWidth > innerWidth + 1 ? [`wider than the screen: ${widest?.outerHTML.slice(0, 120)}`] : [];
    for (const element of document.querySelectorAll("main *, header *, dialog[open] *")) {
      const { overflowX, overflowY, clipPath } = getComputedStyle(element);
      const hides = [overflowX, overflowY].some((way) => way === "hidden" || way === "clip");
      const isCut = element.scrollWidth > element.clientWidth + 2 || element.scrollHeight > element.clientHeight + 2;
      const hasText = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
      if (hides && isCut && hasText && clipPath === "none" && element.checkVisibility()) found.push(element.outerHTML.slice(0, 120));
    }
    style.removeProperty("font-size");
    return found;
  },
})
