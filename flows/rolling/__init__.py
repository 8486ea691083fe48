"""The rolling run: tasks, storage, training and collection as nodes of one flow."""
