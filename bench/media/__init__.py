"""Texts and pictures: can the firewall tell where the model is wrong, on damage it knows, on damage it does not, and on what is none of its classes?"""
