import type { TrackedOrder } from '@sgp/shared/api/tracking';
import { Icon } from '@sgp/ui/icon.tsx';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { thumbHashToDataURL } from 'thumbhash';
import { useApp } from '../app-context.ts';

export type PhotoView = TrackedOrder['media'][number];
type Preset = keyof PhotoView['urls'];

type Props = {
  readonly photo: PhotoView;
  readonly preset: Preset;
  /** A smaller one that is likely here already: it stands in until the larger one is there, or instead of it. */
  readonly standIn?: Preset;
  readonly alt: string;
  readonly lost: boolean;
  /** Asks for new addresses: those of this answer have ended. */
  readonly onExpired: () => Promise<void>;
};

/** New addresses are asked for this often before a photo counts as missing. */
const renewalsMax = 2;

/**
 * One photo over its blurred likeness. It keeps the address that it showed, since every answer of the mirror brings
 * others for the same picture; when its address has ended, it asks for a new one.
 */
export function Photo({ photo, preset, standIn, alt, lost, onExpired }: Props) {
  const { t, seenPhotos } = useApp();
  const [state, setState] = useState<'there' | 'renewing' | 'missing'>('there');
  const [address, setAddress] = useState(photo.urls[preset].webp);
  const [renewals, setRenewals] = useState(0);
  const latest = useRef(photo);
  latest.current = photo;
  const renew = async () => {
    if (renewals === renewalsMax) return setState('missing');
    setState('renewing');
    await onExpired();
    setRenewals(renewals + 1);
    setAddress(latest.current.urls[preset].webp);
    setState('there');
  };
  useEffect(() => {
    if (lost || state !== 'missing') return;
    setRenewals(0);
    setAddress(latest.current.urls[preset].webp);
    setState('there');
  }, [lost]);
  const size = { width: photo.width, height: photo.height };
  return (
    <>
      <Likeness photo={photo} standIn={standIn} />
      {state === 'there' ? (
        <img
          key={renewals}
          src={address}
          alt={alt}
          {...size}
          decoding="async"
          onLoad={() => seenPhotos.add(address)}
          onError={() => void renew()}
        />
      ) : null}
      {state === 'missing' && standIn === undefined ? (
        <span class="photo-missing">
          <Icon name="imagem" />
          {lost ? t.value.photos.missingOffline : t.value.photos.missing}
        </span>
      ) : null}
    </>
  );
}

/** What lies below the photo until it is there: the smaller one, or 25 bytes that look like it from afar. */
function Likeness({ photo, standIn }: { readonly photo: PhotoView; readonly standIn: Preset | undefined }) {
  const [smaller, setSmaller] = useState(standIn === undefined ? null : photo.urls[standIn].webp);
  const blurred = useMemo(() => likenessOf(photo.thumbhash), [photo.thumbhash]);
  const source = smaller ?? blurred;
  return source ? (
    <img
      class="likeness"
      src={source}
      alt=""
      width={photo.width}
      height={photo.height}
      onError={() => setSmaller(null)}
    />
  ) : null;
}

/** @returns null when the text is no thumbhash: the photo then comes without one */
function likenessOf(thumbhash: string): string | null {
  try {
    return thumbHashToDataURL(Uint8Array.from(atob(thumbhash), (character) => character.charCodeAt(0)));
  } catch {
    return null;
  }
}
