// The script of the upload page. It is part of one module with ThumbHash, after the line that imports the client.

/** Uploads at a time. The others wait in line. */
const uploadsAtOnce = 3;

const main = document.querySelector('main');
const api = main.dataset.api;
const needsToken = main.dataset.auth === 'jwt';
const list = document.querySelector('ul');
const drop = document.querySelector('.drop');
const note = document.querySelector('.note');

/** A token comes after `#token=`, which no server sees, or in a message from the page around this one. */
let token = new URLSearchParams(location.hash.slice(1)).get('token') ?? undefined;

const showNote = (text = '') => {
  note.textContent = text;
  note.hidden = text === '';
};
const askForToken = () =>
  showNote(
    needsToken && !token
      ? 'Uploads need a token. Open this page from your application, which adds #token=… to the address.'
      : '',
  );
addEventListener('message', ({ source, origin, data }) => {
  const isAllowed = main.dataset.origins.split(' ').includes(origin);
  if (source !== parent || !isAllowed || typeof data?.token !== 'string') return;
  token = data.token;
  askForToken();
});
askForToken();

const sizeOf = (bytes) => {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1e6 ? `${Math.round(bytes / 1000)} KB` : `${(bytes / 1e6).toFixed(1)} MB`;
};

const create = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

const advice = {
  'unsupported-type': 'This is not an image that can be shown.',
  unreachable: 'The server cannot be reached. Check the connection and retry.',
  unauthorized: 'The token is missing or has ended. Open this page from your application again.',
  'daily-budget-exhausted': 'No more uploads are accepted today.',
};

const escaped = (text) =>
  text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`).replace(/\s+/g, ' ');

/** Texts that show the thumbnail elsewhere. */
const textsOf = ({ link, thumbnails }, name) => {
  const [{ width, height } = {}] = Object.values(thumbnails);
  const size = width && height ? ` width="${width}" height="${height}"` : '';
  return {
    'Copy link': link,
    HTML: `<img src="${link}"${size} alt="${escaped(name)}">`,
    Markdown: `![${name.replace(/[[\]\\\r\n]/g, ' ')}](${link})`,
    curl: `curl --location --output thumbnail "${link}"`,
  };
};

const waiting = [];
let running = 0;

const next = () => {
  while (running < uploadsAtOnce && waiting.length > 0) {
    running += 1;
    waiting
      .shift()()
      .finally(() => {
        running -= 1;
        next();
      });
  }
};

/** Adds a file to the list and uploads it. */
const add = (file) => {
  const name = file.name || 'Pasted image';
  const bar = create('progress', { max: 1, value: 0, ariaLabel: `Upload of ${name}` });
  const state = create('p', { className: 'state', role: 'status' });
  const shown = create('div', { className: 'shown' });
  const actions = create('div', { className: 'actions' });
  const item = create(
    'li',
    {},
    shown,
    create('p', { className: 'name', textContent: name, title: name }),
    state,
    bar,
    actions,
  );
  list.prepend(item);

  const button = (text, onclick) =>
    create('button', { type: 'button', textContent: text, ariaLabel: `${text}: ${name}`, onclick });

  const say = (text, className = '') => {
    state.textContent = text;
    item.className = className;
  };

  const copy = async (text, control) => {
    const before = control.textContent;
    try {
      await navigator.clipboard.writeText(text);
      control.textContent = 'Copied';
    } catch {
      // Without permission, a person copies it.
      prompt('Copy this text', text);
    }
    setTimeout(() => {
      control.textContent = before;
    }, 1500);
  };

  const show = (record) => {
    bar.hidden = true;
    const [{ width, height, bytes } = {}] = Object.values(record.thumbnails);
    const made = width ? `Thumbnail ${width} × ${height}, ${sizeOf(bytes)}` : 'The thumbnail is ready';
    say([made, record.original.damage].filter(Boolean).join('. '), 'done');
    const sharp = create('img', { className: 'sharp', alt: `Thumbnail of ${name}`, src: record.link });
    sharp.onload = () => shown.classList.add('loaded');
    if (record.thumbhash) {
      const hash = Uint8Array.from(atob(record.thumbhash), (character) => character.charCodeAt(0));
      shown.replaceChildren(
        create('img', { className: 'blur', alt: '', src: thumbHashToDataURL(hash) }),
        sharp,
      );
    } else shown.replaceChildren(sharp);
    actions.replaceChildren(
      ...Object.entries(textsOf(record, name)).map(([title, text]) => {
        const control = button(title, () => copy(text, control));
        return control;
      }),
      create('a', {
        href: record.link,
        target: '_blank',
        rel: 'noopener',
        textContent: 'Open',
        ariaLabel: `Open: ${name}`,
      }),
    );
  };

  const start = () => {
    const stopping = new AbortController();
    bar.hidden = false;
    bar.value = 0;
    say('Waiting');
    actions.replaceChildren(button('Cancel', () => stopping.abort()));
    waiting.push(async () => {
      try {
        stopping.signal.throwIfAborted();
        const record = await upload(file, {
          api,
          token: needsToken ? () => token ?? '' : undefined,
          signal: stopping.signal,
          onProgress: ({ phase, loaded, total }) => {
            if (phase === 'processing') {
              bar.removeAttribute('value');
              say('Making the thumbnail');
            } else {
              bar.value = total ? loaded / total : 0;
              say(`${sizeOf(loaded)} of ${sizeOf(total)}`);
            }
          },
        });
        show(record);
      } catch (error) {
        bar.hidden = true;
        if (stopping.signal.aborted) say('Cancelled');
        else say([advice[error.code], error.message].filter(Boolean).join(' '), 'failed');
        actions.replaceChildren(
          button('Retry', start),
          button('Remove', () => item.remove()),
        );
      }
    });
    next();
  };
  start();
};

const addAll = (files) => [...files].reverse().forEach(add);

for (const input of document.querySelectorAll('input[type=file]')) {
  input.onchange = () => {
    addAll(input.files);
    // Choosing the same file again is another upload.
    input.value = '';
  };
}
addEventListener('paste', ({ clipboardData }) => addAll(clipboardData.files));

// A file that is dropped beside the field would replace the page.
let depth = 0;
const mark = (change) => {
  depth = Math.max(0, depth + change);
  drop.classList.toggle('over', depth > 0);
};
addEventListener('dragenter', () => mark(1));
addEventListener('dragleave', () => mark(-1));
addEventListener('dragover', (event) => event.preventDefault());
addEventListener('drop', (event) => {
  event.preventDefault();
  depth = 0;
  mark(0);
  addAll(event.dataTransfer.files);
});
addEventListener('beforeunload', (event) => {
  if (running > 0) event.preventDefault();
});
