import type { TrackedOrder } from '@sgp/shared/api/tracking';
import { useState } from 'preact/hooks';
import { useApp } from '../app-context.ts';
import { photosOf } from '../logic/order-view.ts';
import type { When } from '../logic/when.ts';
import { Photo } from './photo.tsx';
import { PhotoViewer } from './photo-viewer.tsx';

type Props = {
  readonly order: TrackedOrder;
  readonly when: When;
  readonly lost: boolean;
  /** Asks for new addresses: those of this answer have ended. */
  readonly onExpired: () => Promise<void>;
};

/** A strip to swipe through; a tap opens a photo large. */
export function Photos({ order, when, lost, onExpired }: Props) {
  const { t, now } = useApp();
  const texts = t.value.photos;
  const [openAt, setOpenAt] = useState<number | null>(null);
  const photos = photosOf(order);
  if (photos.length === 0) return null;
  const describe = (photo: (typeof photos)[number]) =>
    texts.alt(photo.stage.label, when.moment(photo.takenAt, now.value));
  return (
    <section aria-labelledby="photos">
      <h2 id="photos">{texts.title}</h2>
      <div class="strip">
        {photos.map((photo, index) => (
          <button
            class="photo"
            type="button"
            aria-label={texts.open(index + 1, photos.length, describe(photo))}
            onClick={() => setOpenAt(index)}
            key={photo.mediaId}
          >
            <Photo photo={photo} preset="480" alt="" lost={lost} onExpired={onExpired} />
            <span>{when.short(photo.takenAt, now.value)}</span>
          </button>
        ))}
      </div>
      {openAt === null ? null : (
        <PhotoViewer
          photos={photos}
          start={openAt}
          describe={describe}
          lost={lost}
          onExpired={onExpired}
          onClose={() => setOpenAt(null)}
        />
      )}
    </section>
  );
}
