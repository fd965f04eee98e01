import { Icon } from '@sgp/ui/icon.tsx';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useApp } from '../app-context.ts';
import { Photo, type PhotoView } from './photo.tsx';

type Props = {
  readonly photos: readonly PhotoView[];
  readonly start: number;
  readonly describe: (photo: PhotoView) => string;
  readonly lost: boolean;
  readonly onExpired: () => Promise<void>;
  readonly onClose: () => void;
};

/** Photos over the whole screen: swipe, arrow keys or buttons; Esc closes and gives the focus back. */
export function PhotoViewer({ photos, start, describe, lost, onExpired, onClose }: Props) {
  const { t } = useApp();
  const texts = t.value.photos;
  const dialog = useRef<HTMLDialogElement>(null);
  const track = useRef<HTMLDivElement>(null);
  const [index, setIndex] = useState(start);
  const go = (to: number, behavior: ScrollBehavior = 'smooth') => {
    const { current } = track;
    const bounded = Math.max(0, Math.min(photos.length - 1, to));
    current?.scrollTo({ left: bounded * current.clientWidth, behavior });
  };
  useEffect(() => {
    const opener = document.activeElement;
    dialog.current?.showModal();
    go(start, 'instant');
    return () => {
      dialog.current?.close();
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, []);
  const onKeyDown = (event: KeyboardEvent) => {
    const to = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: photos.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    go(to);
  };
  const shown = photos[index];
  return (
    <dialog
      ref={dialog}
      class="viewer"
      aria-label={texts.viewer}
      onKeyDown={onKeyDown}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <header>
        <p aria-live="polite">
          <b class="num">{texts.position(index + 1, photos.length)}</b> {shown ? describe(shown) : null}
        </p>
        <button class="btn square quiet" type="button" aria-label={texts.close} onClick={onClose}>
          <Icon name="fechar" />
        </button>
      </header>
      <div
        class="track"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        ref={track}
        onScroll={(event) => {
          const { scrollLeft, clientWidth } = event.currentTarget;
          setIndex(Math.round(scrollLeft / Math.max(1, clientWidth)));
        }}
      >
        {photos.map((photo, each) => (
          <figure key={photo.mediaId} aria-hidden={each !== index}>
            {Math.abs(each - index) <= 1 ? (
              <Photo
                photo={photo}
                preset="1280"
                standIn="480"
                alt={describe(photo)}
                lost={lost}
                onExpired={onExpired}
              />
            ) : null}
          </figure>
        ))}
      </div>
      {photos.length > 1 ? (
        <footer>
          <button
            class="btn square"
            type="button"
            aria-label={texts.previous}
            aria-disabled={index === 0}
            onClick={() => go(index - 1)}
          >
            <Icon name="esquerda" />
          </button>
          <button
            class="btn square"
            type="button"
            aria-label={texts.next}
            aria-disabled={index === photos.length - 1}
            onClick={() => go(index + 1)}
          >
            <Icon name="direita" />
          </button>
        </footer>
      ) : null}
    </dialog>
  );
}
