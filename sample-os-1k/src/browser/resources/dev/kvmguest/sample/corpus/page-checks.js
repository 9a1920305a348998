// What PagesInBrowserTests looks for in a page. Each function returns a list of problems in words, empty if there is none.

const all = (selector, root = document) => [...root.querySelectorAll(selector)];

const inWords = node => (node.textContent || '').trim().replace(/\s+/g, ' ').slice(0, 60);

/** The paper is bright or isn't. */
function colourScheme() {
  return [luminance(parse(getComputedStyle(document.body).backgroundColor)) > 0.5 ? 'light' : 'dark'];
}

/** One h1, which comes first; below it no level is left out. */
function headings() {
  const problems = [];
  let before = 0;
  for (const heading of all('h1, h2, h3, h4, h5, h6')) {
    const level = Number(heading.tagName[1]);
    if (level > before + 1) {
      problems.push(`h${level} "${inWords(heading)}" comes after h${before}`);
    }
    if (inWords(heading) === '') {
      problems.push(`h${level} without words`);
    }
    before = level;
  }
  if (all('h1').length !== 1) {
    problems.push(`${all('h1').length} h1`);
  }
  return problems;
}

/** All is in main. Each article is a header, then a navigation with a name of its own, then the sections it leads to. */
function landmarks() {
  const problems = [];
  const children = [...document.body.children].map(child => child.tagName);
  if (children.join() !== 'MAIN') {
    problems.push(`the body has ${children}`);
  }
  const names = all('nav').map(nav => nav.getAttribute('aria-label'));
  if (names.some(name => !name) || new Set(names).size !== names.length) {
    problems.push(`navigations are called ${names}`);
  }
  if (all('article').length === 0) {
    problems.push('no article');
  }
  for (const article of all('article')) {
    const parts = [...article.children].map(child => child.tagName).join(' ');
    if (!/^HEADER NAV( SECTION)+$/.test(parts)) {
      problems.push(`an article has ${parts}`);
    }
    const links = all('nav a', article).map(link => link.getAttribute('href')).join();
    const sections = all('section', article).map(section => '#' + section.id).join();
    if (links !== sections) {
      problems.push(`the navigation has ${links}, the sections are ${sections}`);
    }
    for (const section of all('section', article)) {
      if (!/^H[23]$/.test(section.firstElementChild.tagName)) {
        problems.push(`section ${section.id} begins with ${section.firstElementChild.tagName}`);
      }
    }
  }
  return problems;
}

/** Returns how many pixels the window is wide, which is more than the screen's if a page asks for no other. */
function width() {
  return [innerWidth];
}

/** The page is no wider than its window, with all that can be unfolded. */
function sidewaysScroll() {
  all('details').forEach(details => details.open = true);
  const page = document.documentElement;
  return page.scrollWidth <= page.clientWidth
      ? []
      : [`${page.scrollWidth} pixels in a window of ${page.clientWidth}; past its end: `
          + all('main *').filter(element => element.getBoundingClientRect().right > page.clientWidth
              && !element.parentElement.closest('.scroll, pre')).map(element => element.tagName).slice(0, 5)];
}

/** Each cell is below the one before it, and no table has to be scrolled sideways. */
function tablesNotStacked() {
  const problems = [];
  for (const row of all('.stacked tbody tr')) {
    const cells = [...row.children].filter(cell => cell.getClientRects().length > 0);
    for (let i = 1; i < cells.length; i++) {
      if (cells[i].getBoundingClientRect().top < cells[i - 1].getBoundingClientRect().bottom - 1) {
        problems.push(`"${inWords(cells[i])}" is beside "${inWords(cells[i - 1])}"`);
      }
    }
    for (const cell of cells.filter(cell => cell.tagName === 'TD' && !cell.hasAttribute('colspan'))) {
      if (getComputedStyle(cell, '::before').content.length <= 2) {
        problems.push(`"${inWords(cell)}" has no heading`);
      }
    }
  }
  for (const table of all('.stacked')) {
    const box = table.closest('.scroll');
    if (box.scrollWidth > box.clientWidth) {
      problems.push(`a table of ${box.scrollWidth} pixels has ${box.clientWidth}: ${inWords(table)}`);
    }
  }
  return problems;
}

/** Every link leads to one place, and that is in sight when it has been followed. */
function deadLinks() {
  const problems = [];
  const links = all('a[href]');
  if (links.length === 0) {
    problems.push('no link');
  }
  for (const link of links) {
    const href = link.getAttribute('href');
    if (!href.startsWith('#')) {
      problems.push(`${href} leads away`);
      continue;
    }
    const targets = all('[id]').filter(element => '#' + element.id === href);
    if (targets.length !== 1) {
      problems.push(`${href} leads to ${targets.length} places`);
      continue;
    }
    scrollTo(0, 0);
    link.click();
    const top = targets[0].getBoundingClientRect().top;
    if (location.hash !== href || top < 0 || top >= innerHeight) {
      problems.push(`${href} leads to ${location.hash}, its target is at ${top}`);
    }
  }
  return problems;
}

/** Text has 4.5 times the brightness of what is below it, or a 4.5th (WCAG 2.2, 1.4.3). */
function poorContrast() {
  all('details').forEach(details => details.open = true);
  const problems = new Set();
  let texts = 0;
  const check = (words, colour, below) => {
    texts++;
    const ratio = contrast(over(colour, below), below);
    if (!(ratio >= 4.5)) {
      problems.add(`${ratio.toFixed(2)}: "${words}", ${colour} on ${below}`);
    }
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const element = text.parentElement;
    if (inWords(text) === '' || element.closest('title, style') || element.getClientRects().length === 0) {
      continue;
    }
    const style = getComputedStyle(element);
    if (element.closest('svg')) {
      check(inWords(text), faded(parse(style.fill), style.fillOpacity * opacity(element)), belowInDrawing(element, style));
    } else {
      check(inWords(text), faded(parse(style.color), opacity(element)), paper(element));
    }
  }
  for (const element of all('[data-heading]').filter(cell => cell.getClientRects().length > 0)) {
    const before = getComputedStyle(element, '::before');
    if (before.content !== 'none') {
      check('before ' + inWords(element), faded(parse(before.color), opacity(element)), paper(element));
    }
  }
  return texts === 0 ? ['no text'] : [...problems];
}

/** What text in a drawing lies upon: its own outline, if it is drawn first, else the last shape drawn below its centre. */
function belowInDrawing(element, style) {
  const around = paper(element.closest('svg'));
  if (style.stroke !== 'none' && style.paintOrder.startsWith('stroke')) {
    return over(parse(style.stroke), around);
  }
  const box = element.getBoundingClientRect();
  const x = (box.left + box.right) / 2;
  const y = (box.top + box.bottom) / 2;
  let colour = around;
  for (const shape of all('rect', element.closest('svg'))) {
    const area = shape.getBoundingClientRect();
    const isBelow = shape.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING;
    const fill = getComputedStyle(shape);
    if (isBelow && !shape.closest('defs') && fill.fill !== 'none'
        && area.left <= x && x <= area.right && area.top <= y && y <= area.bottom) {
      colour = over(faded(parse(fill.fill), fill.fillOpacity), colour);
    }
  }
  return colour;
}

/** The colour that an element is painted on. */
function paper(element) {
  const background = parse(getComputedStyle(element).backgroundColor);
  if (background[3] === 1) {
    return background;
  }
  return over(background, element.parentElement ? paper(element.parentElement) : [255, 255, 255, 1]);
}

function opacity(element) {
  const own = Number(getComputedStyle(element).opacity);
  return element.parentElement ? own * opacity(element.parentElement) : own;
}

function parse(colour) {
  const numbers = /^rgba?\(([^)]*)\)$/.exec(colour);
  if (!numbers) {
    throw new Error('not a plain colour: ' + colour);
  }
  const [red, green, blue, alpha = 1] = numbers[1].split(/[ ,/]+/).map(Number);
  return [red, green, blue, alpha];
}

function faded(colour, by) {
  return [...colour.slice(0, 3), colour[3] * by];
}

function over(colour, below) {
  const alpha = colour[3];
  return [0, 1, 2].map(i => colour[i] * alpha + below[i] * (1 - alpha)).concat(1);
}

function contrast(one, other) {
  const [dark, bright] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (bright + 0.05) / (dark + 0.05);
}

function luminance(colour) {
  const [red, green, blue] = colour.slice(0, 3).map(part => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
