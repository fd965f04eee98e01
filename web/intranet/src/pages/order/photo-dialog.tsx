import type { Media, Order } from '@sgp/shared/api/orders';
import { Dialog } from '@sgp/ui/dialog.tsx';
import { Icon } from '@sgp/ui/icon.tsx';
import { useState } from 'preact/hooks';
import { type ApiError, asApiError } from '../../api-error.ts';
import { useApp } from '../../app-context.ts';
import { Failure } from '../../parts/failure.tsx';

type PhotoDialogProps = {
  readonly order: Order;
  readonly media: Media;
  readonly list: readonly Media[];
  readonly savingOff: boolean;
  readonly onShow: (mediaId: string) => void;
  readonly onOrder: (order: Order) => void;
  readonly onClose: () => void;
};

/** One photo large, with who may see it. */
export function PhotoDialog({ order, media, list, savingOff, onShow, onOrder, onClose }: PhotoDialogProps) {
  const { api, resources, t, format, now } = useApp();
  const { orders, common } = t.value;
  const [failure, setFailure] = useState<ApiError | null>(null);
  const [isRemoving, setRemoving] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const at = list.findIndex(({ mediaId }) => mediaId === media.mediaId);
  const step = (by: 1 | -1) => {
    const next = list[at + by];
    if (next) onShow(next.mediaId);
  };
  const isReady = media.state === 'derived' || media.state === 'published';

  async function run(act: () => Promise<void>) {
    if (isBusy) return;
    setBusy(true);
    setFailure(null);
    try {
      await act();
    } catch (cause) {
      setFailure(asApiError(cause));
    }
    setBusy(false);
  }
  const toggle = () =>
    run(async () => {
      const changed = await api.changeMedia(media.mediaId, !media.visible);
      onOrder({ ...order, media: order.media.map((other) => (other.mediaId === media.mediaId ? changed : other)) });
      void resources.refresh(`order:${order.orderId}`);
    });
  const remove = () =>
    run(async () => {
      await api.removeMedia(media.mediaId);
      onClose();
      await resources.refresh(`order:${order.orderId}`);
    });

  return (
    <Dialog
      title={orders.photoAlt(media.stage.label, format.value.dayTime(media.takenAt, now.value))}
      onClose={onClose}
      wide
      footer={
        isRemoving ? (
          <>
            <span class="grow t13">{orders.photoRemoveText}</span>
            <button class="btn" type="button" onClick={() => setRemoving(false)}>
              {common.cancel}
            </button>
            <button class="btn danger" type="button" disabled={savingOff} onClick={() => void remove()}>
              {orders.photoRemove}
            </button>
          </>
        ) : (
          <>
            <button class="btn quiet danger" type="button" disabled={savingOff} onClick={() => setRemoving(true)}>
              {orders.photoRemove}
            </button>
            <span class="grow" />
            <button class="btn" type="button" onClick={onClose}>
              {common.close} <kbd>Esc</kbd>
            </button>
          </>
        )
      }
    >
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the arrows are a shortcut of the two buttons inside */}
      <div
        class="photo-view"
        onKeyDown={(event) => {
          if (event.key === 'ArrowLeft') step(-1);
          else if (event.key === 'ArrowRight') step(1);
        }}
      >
        {isReady ? (
          <img
            src={api.previewUrl(media.mediaId, 1280)}
            alt={orders.photoAlt(media.stage.label, format.value.dayTime(media.takenAt, now.value))}
          />
        ) : (
          <div class="empty small">
            <Icon name="imagem" />
            <p>{media.state === 'uploading' ? orders.photoUnfinishedText : orders.photoStates[media.state]}</p>
          </div>
        )}
        {at > 0 ? (
          <button
            class="btn square photo-step start"
            type="button"
            aria-label={orders.photoPrevious}
            onClick={() => step(-1)}
          >
            <Icon name="esquerda" />
          </button>
        ) : null}
        {at < list.length - 1 ? (
          <button class="btn square photo-step end" type="button" aria-label={orders.photoNext} onClick={() => step(1)}>
            <Icon name="direita" />
          </button>
        ) : null}
      </div>
      {failure ? <Failure error={failure} title={common.saveFailed} /> : null}
      <div class="line apart wrap">
        <label class="line">
          <input
            type="checkbox"
            checked={media.visible}
            disabled={savingOff || isBusy}
            onChange={() => void toggle()}
          />
          <span>{orders.photoVisible}</span>
        </label>
        <span class="muted t13">
          {orders.photoStates[media.state]} · {format.value.bytes(media.sizeBytes)}
          {media.width && media.height ? ` · ${media.width} × ${media.height}` : ''}
        </span>
      </div>
    </Dialog>
  );
}
