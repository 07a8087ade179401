import { useEffect, useRef, type ReactNode } from 'react'
import { CloseIcon } from './icons.js'

interface Props {
  label: string
  side: 'left' | 'right'
  onClose: () => void
  children: ReactNode
}

/** A panel that has no room beside the conversation. `dialog` brings the focus trap, Escape and the way back. */
export function Drawer({ label, side, onClose, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    dialog.current?.showModal()
  }, [])
  return (
    <dialog
      ref={dialog}
      className={`drawer drawer-${side}`}
      aria-label={label}
      onClose={onClose}
      onClick={(event) => event.target === event.currentTarget && onClose()}
    >
      <button type="button" className="quiet drawer-close" onClick={onClose} aria-label="Close">
        <CloseIcon />
      </button>
      {children}
    </dialog>
  )
}
