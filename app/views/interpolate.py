"""In work."""

import streamlit as st

st.title("In work")
