import type { Media, Order } from '@sgp/shared/api/orders';
import { Icon } from '@sgp/ui/icon.tsx';
import { useRef, useState } from 'preact/hooks';
import { useApp } from '../../app-context.ts';
import { useSavingOff } from '../../parts/contact-notice.tsx';
import type { Upload } from '../../uploads.ts';
import { PhotoDialog } from './photo-dialog.tsx';
import { RefusedFiles } from './refused-files.tsx';

const BRIEF_MAX = 9;

/** Photos of an order: what is here, what is on its way, and what was refused with the reason in plain words. */
export function OrderPhotos({
  order,
  onOrder,
  isBrief = false,
}: {
  readonly order: Order;
  readonly onOrder: (order: Order) => void;
  readonly isBrief?: boolean;
}) {
  const { uploads, t } = useApp();
  const { orders } = t.value;
  const picker = useRef<HTMLInputElement>(null);
  const [openId, setOpenId] = useState<string | null>(null);
  const [isOver, setOver] = useState(false);
  const savingOff = useSavingOff();

  const mine = uploads.list.value.filter(({ orderId }) => orderId === order.orderId);
  const here = new Set(mine.map(({ mediaId }) => mediaId));
  const stored = [...order.media]
    .filter(({ mediaId, state }) => state !== 'refused' && !(here.has(mediaId) && state === 'uploading'))
    .sort((a, b) => b.takenAt - a.takenAt);
  const refused = order.media.filter(({ state }) => state === 'refused');
  const sending = mine.filter(
    ({ mediaId, state }) => state !== 'failed' && !stored.some((media) => media.mediaId === mediaId),
  );
  const failed = mine.filter(({ state }) => state === 'failed');
  const shown = isBrief ? stored.slice(0, Math.max(0, BRIEF_MAX - sending.length)) : stored;
  const visible = order.media.filter((media) => media.visible && media.state !== 'refused').length;
  const unfinished = order.media.filter(({ mediaId, state }) => state === 'uploading' && !here.has(mediaId));
  const add = (files: FileList | null | undefined) => {
    if (files && files.length > 0) uploads.add(order.orderId, [...files], unfinished);
  };
  const opened = order.media.find(({ mediaId }) => mediaId === openId);

  return (
    <section
      class={isOver ? 'panel drop-over' : 'panel'}
      aria-labelledby="fotos-titulo"
      onDragOver={(event) => {
        if (!event.dataTransfer?.types.includes('Files')) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        if (!event.dataTransfer?.types.includes('Files')) return;
        event.preventDefault();
        setOver(false);
        add(event.dataTransfer.files);
      }}
    >
      <header>
        <h2 id="fotos-titulo">{orders.photosTitle}</h2>
        {visible > 0 ? <span class="faint t13">{orders.photosVisible(visible)}</span> : null}
        <button class="btn small push" type="button" onClick={() => picker.current?.click()}>
          <Icon name="camera" size="sm" />
          {orders.addPhoto}
        </button>
        <input
          ref={picker}
          class="sr"
          type="file"
          accept="image/*"
          multiple
          tabIndex={-1}
          aria-label={orders.addPhoto}
          onChange={(event) => {
            add(event.currentTarget.files);
            event.currentTarget.value = '';
          }}
        />
      </header>
      <RefusedFiles refused={refused} failed={failed} />
      {stored.length + sending.length === 0 ? (
        <div class="empty small">
          <Icon name="imagem" />
          <p>{isOver ? orders.dropHere : `${orders.photosEmpty}. ${orders.photosEmptyText}`}</p>
        </div>
      ) : (
        <div class={isBrief ? 'in photos' : 'in photos large'}>
          {sending.map((upload) => (
            <SendingPhoto key={upload.mediaId} upload={upload} />
          ))}
          {shown.map((media) => (
            <StoredPhoto key={media.mediaId} media={media} isLarge={!isBrief} onOpen={() => setOpenId(media.mediaId)} />
          ))}
        </div>
      )}
      {opened ? (
        <PhotoDialog
          order={order}
          media={opened}
          list={stored}
          onShow={setOpenId}
          onOrder={onOrder}
          onClose={() => setOpenId(null)}
          savingOff={savingOff}
        />
      ) : null}
    </section>
  );
}

/** On the screen the moment it was chosen, long before it has left. */
function SendingPhoto({ upload }: { readonly upload: Upload }) {
  const { t, format } = useApp();
  const { orders } = t.value;
  const text =
    upload.state === 'waiting'
      ? orders.photoWaiting
      : orders.photoSending(format.value.percent(upload.sentBytes / Math.max(1, upload.sizeBytes)));
  return (
    <div class="photo">
      <img src={upload.previewUrl} alt={upload.fileName} />
      <span>
        <Icon name={upload.state === 'waiting' ? 'relogio' : 'enviar'} />
        {text}
      </span>
      <progress
        max={Math.max(1, upload.sizeBytes)}
        value={upload.sentBytes}
        aria-label={`${upload.fileName}: ${text}`}
      />
    </div>
  );
}

function StoredPhoto({
  media,
  isLarge,
  onOpen,
}: {
  readonly media: Media;
  readonly isLarge: boolean;
  readonly onOpen: () => void;
}) {
  const { api, t, format, now } = useApp();
  const { orders } = t.value;
  const when = format.value.dayTime(media.takenAt, now.value);
  const isReady = media.state === 'derived' || media.state === 'published';
  const caption =
    media.state === 'uploading'
      ? orders.photoUnfinished
      : media.state === 'uploaded'
        ? orders.photoPreparing
        : media.visible
          ? when
          : orders.photoShopOnly;
  return (
    <button class="photo" type="button" onClick={onOpen}>
      {isReady ? (
        <img
          src={api.previewUrl(media.mediaId, isLarge ? 480 : 160)}
          srcset={`${api.previewUrl(media.mediaId, 480)} 2x`}
          alt={orders.photoAlt(media.stage.label, when)}
          loading="lazy"
        />
      ) : (
        <span class="photo-blank">
          <Icon name="imagem" size="xl" />
        </span>
      )}
      <span title={media.state === 'uploading' ? orders.photoUnfinishedText : undefined}>
        <Icon name={isReady ? (media.visible ? 'olho' : 'olho-fechado') : 'espera'} />
        {caption}
      </span>
    </button>
  );
}
