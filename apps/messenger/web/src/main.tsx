import { createRoot } from 'react-dom/client'
import { App } from './app.js'
import './styles/tokens.css'
import './styles/base.css'
import './styles/door.css'
import './styles/workspace.css'
import './styles/messages.css'
import './styles/composer.css'

const root = document.getElementById('root')
if (root) createRoot(root).render(<App />)
